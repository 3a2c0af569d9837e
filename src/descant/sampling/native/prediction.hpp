// Linear prediction of a step, and the mixture around it: descant/prediction/kernels.py and descant/layers/prediction.py.
//
// A prediction and what is learnt from a step come out to the bit as in kernels.py: products of two float32 numbers are
// exact in double, sums have the same order, and the rate of the running mean is a power of two.

#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

extern "C" {

// As engine.py has it; order 0 for a network without.
struct Prediction {
    int64_t order, window, every, parts;
    double scale_rate, scale_share, least_scale, error_divisor, most_error, log_divisor, most_widening, mu;
    const float *samples, *inputs;                // (classes), (3, padded residual)
    const double *log_weights, *widths, *edges;   // (parts + 1), (parts), (classes + 1)
};

// What is remembered of each sequence, see kernels.Memory.
struct Memory {
    float *past, *coefficients;
    double* scales;
    float* last;
};
}

namespace {

constexpr int PRODUCT_LANES = 16;

struct Predicted {
    float sample, scale;
};

class Predictor {
  public:
    Predictor(const Prediction& settings, const Memory& memory) : net(settings), memory(memory) {}

    Predicted predict(int64_t sequence, int64_t step) const {
        const float* seen = place(sequence, step) - net.order;
        const float* coefficients = memory.coefficients + sequence * net.order;
        double sums[PRODUCT_LANES] = {};
        for (int64_t start = 0; start < net.order; start += PRODUCT_LANES)
            for (int lane = 0; lane < PRODUCT_LANES; ++lane)
                sums[lane] += static_cast<double>(seen[start + lane]) * static_cast<double>(coefficients[start + lane]);
        double total = 0;
        for (double sum : sums) total += sum;
        return {static_cast<float>(std::min(std::max(total, -1.0), 1.0)), static_cast<float>(memory.scales[sequence])};
    }

    // Adds what the network sees of a prediction.
    void show(int64_t sequence, Predicted predicted, float* hidden, int64_t width) const {
        const double sample = predicted.sample;
        const double companded = std::copysign(std::log1p(net.mu * std::abs(sample)) / std::log1p(net.mu), sample);
        const double last = memory.last[sequence] / net.error_divisor;
        const double error = std::min(std::max(last, -net.most_error), net.most_error);
        const double quiet = std::log(static_cast<double>(predicted.scale)) / net.log_divisor + 1;
        const float features[] = {static_cast<float>(companded), static_cast<float>(error), static_cast<float>(quiet)};
        for (int64_t i = 0; i < width; ++i)
            for (int feature = 0; feature < 3; ++feature) hidden[i] += features[feature] * net.inputs[feature * width + i];
    }

    void learn(int64_t sequence, int64_t step, int64_t drawn, Predicted predicted) const {
        const float sample = net.samples[drawn];
        *place(sequence, step) = sample;
        const float error = static_cast<float>(static_cast<double>(sample) - static_cast<double>(predicted.sample));
        memory.last[sequence] = error / predicted.scale;
        double& scale = memory.scales[sequence];
        scale += (std::max(std::abs(static_cast<double>(error)) * net.scale_share, net.least_scale) - scale) * net.scale_rate;
    }

  private:
    float* place(int64_t sequence, int64_t step) const {
        return memory.past + sequence * (net.window + net.every) + net.window + step % net.every;
    }

    const Prediction& net;
    const Memory& memory;
};

}  // namespace
