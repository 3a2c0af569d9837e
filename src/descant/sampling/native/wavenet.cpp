// A WaveNet drawn step after step from cached inputs (Le Paine et al. 2016), many steps to a call.
//
// Widths arrive padded to whole vectors: with zeros, logits with -inf. Matrices arrive in tiles of 8, 4, 2 or 1 vectors
// of outputs, row after row (see packing.py), as wide as registers hold their sums for all columns. Each sum runs over
// its inputs in order, whatever the sequences beside it, so that what a sequence draws depends on nothing else.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <numeric>
#include <type_traits>
#include <vector>

#include "prediction.hpp"

#if defined(__AVX512BF16__)
#include <immintrin.h>
#endif

namespace {

#if defined(__AVX512F__)
constexpr int LANES = 16, ACCUMULATORS = 16;
#elif defined(__AVX2__)
constexpr int LANES = 8, ACCUMULATORS = 8;
#elif defined(__aarch64__)
constexpr int LANES = 4, ACCUMULATORS = 16;
#else
constexpr int LANES = 4, ACCUMULATORS = 8;
#endif

typedef float Vector __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef uint32_t Bits __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef double Doubles __attribute__((vector_size(LANES * 4), aligned(8), may_alias));
typedef int64_t Integers __attribute__((vector_size(LANES * 4)));
constexpr int DOUBLE_LANES = LANES / 2;

enum class Precision : int64_t { float32, bfloat16_weights, bfloat16 };

}  // namespace

extern "C" {

// As engine.py has it. Matrices are packed; tables and biases are rows of padded width.
struct Network {
    int64_t layers, kernel, start_kernel, classes, hop;
    int64_t residual, half, skip, logits;  // padded widths
    int64_t gate_half;                     // width of half a conditioning vector, which is not padded
    int64_t share;                         // sequences of the largest walk, for which matrices are packed
    int64_t ahead;                         // steps that past taps are computed ahead at most, a power of two
    Precision precision;
    double temperature, top_p;
    const int64_t* dilations;
    const float *start_tables, *position_tables, *start_bias;
    const float *convolution_bias, *residual_bias, *skip_bias, *head_bias, *logits_bias;
    const void *past_taps, *present_tap, *mix, *head, *to_logits;
    Prediction prediction;
};

// Some steps of some sequences, each array with a row for each sequence.
struct Walk {
    int64_t step, count, sequences;
    int64_t hops;                // of the conditioning
    const float* conditioning;   // (sequences, hops, layers, 2 * gate_half) or null
    const double* uniforms;      // (sequences, count), or null where steps are given
    const int64_t* given;        // (sequences, count), or null where steps are drawn
    int64_t* drawn;              // (sequences, count), written where steps are drawn
    float* followed;             // logits (sequences, count, classes), written where steps are given
    float* rings;                // (sequences, all layers' delays, residual)
    float* activations;          // (sequences, layers, ahead, 2 * half)
    int64_t* recent;             // (sequences, start_kernel): the last classes
    Memory memory;
    void (*begin_block)();       // computes the coefficients of the block of steps that begins
};
}

namespace {

inline Vector& at(float* place) { return *reinterpret_cast<Vector*>(place); }
inline Doubles& at(double* place) { return *reinterpret_cast<Doubles*>(place); }
inline const Doubles& at(const double* place) { return *reinterpret_cast<const Doubles*>(place); }
inline const Vector& at(const float* place) { return *reinterpret_cast<const Vector*>(place); }

// Each precision says how it stores a weight, what it multiplies it with, how many inputs one packed row takes, and
// how a row adds to the sums of its columns.

template <int VECTORS, int COLUMNS>
using Sums = Vector[COLUMNS][VECTORS];

struct Float32 {
    using Stored = float;
    using Input = float;
    static constexpr int INPUTS = 1;

    template <int VECTORS, int COLUMNS>
    static void add(const float* row, const float* const* inputs, int64_t i, Sums<VECTORS, COLUMNS>& sums) {
#pragma GCC unroll 8
        for (int column = 0; column < COLUMNS; ++column)
            for (int v = 0; v < VECTORS; ++v) sums[column][v] += at(row + v * LANES) * inputs[column][i];
    }
};

// Two inputs interleaved: a lane holds the even one's weight in its lower half, the odd one's in its upper.
struct Bfloat16Weights {
    using Stored = uint16_t;
    using Input = float;
    static constexpr int INPUTS = 2;

    template <int VECTORS, int COLUMNS>
    static void add(const uint16_t* row, const float* const* inputs, int64_t i, Sums<VECTORS, COLUMNS>& sums) {
        Vector even[VECTORS], odd[VECTORS];
        for (int v = 0; v < VECTORS; ++v) {
            const Bits pair = *reinterpret_cast<const Bits*>(row + v * LANES * 2);
            even[v] = (Vector)(pair << 16);
            odd[v] = (Vector)(pair & 0xffff0000u);
        }
#pragma GCC unroll 8
        for (int column = 0; column < COLUMNS; ++column) {
            for (int v = 0; v < VECTORS; ++v) sums[column][v] += even[v] * inputs[column][i];
            for (int v = 0; v < VECTORS; ++v) sums[column][v] += odd[v] * inputs[column][i + 1];
        }
    }
};

#if defined(__AVX512BF16__)
struct Bfloat16 {
    using Stored = uint16_t;
    using Input = uint16_t;
    static constexpr int INPUTS = 2;

    template <int VECTORS, int COLUMNS>
    static void add(const uint16_t* row, const uint16_t* const* inputs, int64_t i, Sums<VECTORS, COLUMNS>& sums) {
#pragma GCC unroll 8
        for (int column = 0; column < COLUMNS; ++column) {
            int32_t pair;
            std::memcpy(&pair, inputs[column] + i, sizeof pair);
            const auto factors = (__m512bh)_mm512_set1_epi32(pair);
            for (int v = 0; v < VECTORS; ++v) {
                const auto weights = (__m512bh)_mm512_loadu_si512(row + v * LANES * 2);
                sums[column][v] = _mm512_dpbf16_ps(sums[column][v], weights, factors);
            }
        }
    }

    static void round(const float* values, int64_t width, uint16_t* rounded) {
        for (int64_t i = 0; i < width; i += LANES) {
            const __m256bh vector = _mm512_cvtneps_pbh(at(values + i));
            std::memcpy(rounded + i, &vector, sizeof vector);
        }
    }
};
#endif

// Vectors to a tile of a matrix that is multiplied with so many columns.
int64_t widest_tile(int64_t columns) {
    const int64_t together = columns >= 8 ? 8 : columns >= 4 ? 4 : columns >= 2 ? 2 : 1;
    return std::min<int64_t>(8, ACCUMULATORS / together);
}

// Adds a packed matrix times each column of inputs to that column's output.
template <class Weights>
struct Product {
    using Stored = typename Weights::Stored;
    using Input = typename Weights::Input;

    int64_t depth;
    const Input* const* inputs;
    float* const* outputs;
    int64_t count, widest;

    template <int TILE = 8>
    void add(const Stored* weights, int64_t width, int64_t offset = 0) const {
        for (; TILE <= widest && width - offset >= TILE * LANES; offset += TILE * LANES)
            add_tile<TILE, 8>(weights + offset * depth, offset, 0);
        if constexpr (TILE > 1) add<TILE / 2>(weights, width, offset);
    }

    // From the first column on; so many vectors at once as their sums fit the registers.
    template <int TILE, int COLUMNS>
    void add_tile(const Stored* tile, int64_t offset, int64_t first) const {
        constexpr int VECTORS = std::min(TILE, ACCUMULATORS / COLUMNS);
        const int64_t stop = first + (count - first) / COLUMNS * COLUMNS;
        for (int part = 0; part < TILE * LANES; part += VECTORS * LANES)
            for (int64_t column = first; column < stop; column += COLUMNS)
                add_part<TILE, VECTORS, COLUMNS>(tile + part * Weights::INPUTS, offset + part, column);
        if constexpr (COLUMNS > 1) add_tile<TILE, COLUMNS / 2>(tile, offset, stop);
    }

    template <int TILE, int VECTORS, int COLUMNS>
    void add_part(const Stored* row, int64_t offset, int64_t first) const {
        const Input* from[COLUMNS];
        Sums<VECTORS, COLUMNS> sums;
#pragma GCC unroll 8
        for (int column = 0; column < COLUMNS; ++column) {
            from[column] = inputs[first + column];
            for (int v = 0; v < VECTORS; ++v) sums[column][v] = at(outputs[first + column] + offset + v * LANES);
        }
        for (int64_t i = 0; i < depth; i += Weights::INPUTS, row += TILE * LANES * Weights::INPUTS)
            Weights::template add<VECTORS, COLUMNS>(row, from, i, sums);
#pragma GCC unroll 8
        for (int column = 0; column < COLUMNS; ++column)
            for (int v = 0; v < VECTORS; ++v) at(outputs[first + column] + offset + v * LANES) = sums[column][v];
    }
};

void add(float* sum, const float* term, int64_t width) {
    for (int64_t i = 0; i < width; ++i) sum[i] += term[i];
}

void rectify(float* values, int64_t width) {
    for (int64_t i = 0; i < width; ++i) values[i] = values[i] < 0 ? 0 : values[i];
}

// The rational approximation of Eigen, within 5e-7.
inline Vector hyperbolic_tangent(Vector x) {
    const Vector zero = {}, bound = zero + 7.90531110763549805f;
    x = x > bound ? bound : x;
    x = x < -bound ? -bound : x;
    const Vector square = x * x;
    Vector above = zero - 2.76076847742355e-16f;
    for (float coefficient : {2.00018790482477e-13f, -8.60467152213735e-11f, 5.12229709037114e-08f,
                              1.48572235717979e-05f, 6.37261928875436e-04f, 4.89352455891786e-03f})
        above = above * square + coefficient;
    Vector below = zero + 1.19825839466702e-06f;
    for (float coefficient : {1.18534705686654e-04f, 2.26843463243900e-03f, 4.89352518554385e-03f})
        below = below * square + coefficient;
    return x * above / below;
}

// The gated unit: activations `(2 * half)`, filter and gate, to `(half)`.
void gate(const float* activations, int64_t half, float* gated) {
    for (int64_t i = 0; i < half; i += LANES) {
        const Vector sigmoid = hyperbolic_tangent(at(activations + half + i) * 0.5f) * 0.5f + 0.5f;
        at(gated + i) = hyperbolic_tangent(at(activations + i)) * sigmoid;
    }
}

// exp of numbers not above 0, to the last bits of a double: 2 ** n times a Taylor series.
inline Doubles exponential(Doubles x) {
    const Doubles zero = {}, least = zero - 708.0;
    constexpr double ROUNDER = 0x1.8p52;
    const Integers vanishes = x < least;  // false for NaN, which comes out as NaN
    x = vanishes ? least : x;
    const Doubles rounded = x * 1.4426950408889634 + ROUNDER, n = rounded - ROUNDER;
    const Doubles rest = (x - n * 0x1.62e42fee00000p-1) - n * 0x1.a39ef35793c76p-33;
    Doubles series = zero + 1.0 / 479001600;
    for (double coefficient : {1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720,
                               1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1.0, 1.0})
        series = series * rest + coefficient;
    const Doubles power = series * (Doubles)(((Integers)rounded + 1023) << 52);
    return vanishes ? zero : power;
}

// descant.sampling.draw: softmax in double, nucleus, inverse of the cumulative distribution.
class Draw {
  public:
    explicit Draw(const Network& network)
        : prediction(network.prediction), classes(network.classes), temperature(network.temperature),
          top_p(network.top_p), probabilities(padded(classes)), parts(prediction.parts + 1),
          places(probabilities.size() + 1), tails(probabilities.size() + 1) {}

    // Probabilities of the classes, not yet of sum 1.
    void weigh(const float* logits) { weigh(logits, temperature); }

    // The same from a mixture around a prediction, whose outputs follow the free logits.
    void mix(const float* outputs, Predicted predicted) {
        const int64_t count = prediction.parts;
        const float *shifts = outputs + classes + count + 1, *widenings = shifts + count;
        weigh(outputs, 1);
        double highest = -INFINITY, total = 0;
        for (int64_t part = 0; part <= count; ++part) {
            parts[part] = outputs[classes + part] + prediction.log_weights[part];
            highest = std::max(highest, parts[part]);
        }
        for (double& part : parts) total += part = std::exp(part - highest);
        const double free = parts[count] / total / std::accumulate(probabilities.begin(), probabilities.end(), 0.0);
        for (double& probability : probabilities) probability *= free;
        for (int64_t part = 0; part < count; ++part) {
            const double widening = std::min<double>(std::max<double>(widenings[part], -prediction.most_widening),
                                                     prediction.most_widening);
            const double scale = predicted.scale * prediction.widths[part] * std::exp(widening);
            add_logistic(parts[part] / total, predicted.sample + shifts[part] * scale, scale);
        }
    }

    // Logarithms of what the mixture came to.
    void write_logits(float* logits) const {
        for (int64_t i = 0; i < classes; ++i) logits[i] = static_cast<float>(std::log(probabilities[i]));
    }

    // A class of the mixture.
    int64_t from_mixture(double uniform) {
        if (temperature != 1)
            for (double& probability : probabilities) probability = std::pow(probability, 1 / temperature);
        return pick(uniform);
    }

    int64_t pick(double uniform) {
        double *const first = probabilities.data(), *const last = first + probabilities.size();
        if (top_p < 1) keep_nucleus();
        std::partial_sum(first, last, first);
        return std::min<int64_t>(std::upper_bound(first, last, uniform * last[-1]) - first, classes - 1);
    }

  private:
    static int64_t padded(int64_t width) { return (width + LANES - 1) / LANES * LANES; }

    // Adds a logistic distribution, integrated over every class's cell.
    void add_logistic(double weight, double mean, double scale) {
        const Doubles zero = {}, one = zero + 1.0;
        const int64_t count = static_cast<int64_t>(probabilities.size());
        // of each edge the tail beyond it: differences of small numbers stay exact
        const auto tail_at = [&](int64_t i) {
            const Doubles z = (at(prediction.edges + i) - mean) / scale;
            const Doubles power = exponential(z < zero ? z : -z);
            at(&places[i]) = z;
            at(&tails[i]) = power / (one + power);
        };
        for (int64_t i = 0; i < count; i += DOUBLE_LANES) tail_at(i);
        tail_at(count + 1 - DOUBLE_LANES);
        for (int64_t i = 0; i < count; i += DOUBLE_LANES) {
            const Doubles low = at(&places[i]), high = at(&places[i + 1]);
            const Doubles low_tail = at(&tails[i]), high_tail = at(&tails[i + 1]);
            const Doubles beside = low >= zero ? low_tail - high_tail : high_tail - low_tail;
            const Doubles cell = (low < zero) & (high > zero) ? one - low_tail - high_tail : beside;
            at(&probabilities[i]) += weight * cell;
        }
    }

    void weigh(const float* logits, double temperature) {
        double *const first = probabilities.data(), *const last = first + probabilities.size();
        for (size_t i = 0; i < probabilities.size(); ++i) first[i] = logits[i] / temperature;
        Doubles highest = at(first);
        for (double* p = first; p < last; p += DOUBLE_LANES) highest = at(p) > highest ? at(p) : highest;
        for (int lane = 1; lane < DOUBLE_LANES; ++lane) highest[0] = std::max(highest[0], highest[lane]);
        for (double* p = first; p < last; p += DOUBLE_LANES) at(p) = exponential(at(p) - highest[0]);
    }

    void keep_nucleus() {
        const double total = std::accumulate(probabilities.begin(), probabilities.end(), 0.0);
        // all classes below this together weigh less than what the nucleus leaves out
        const double least = (1 - top_p) / static_cast<double>(2 * classes);
        order.clear();
        for (size_t i = 0; i < probabilities.size(); ++i) {
            probabilities[i] /= total;
            if (probabilities[i] >= least) order.push_back(i);
            else probabilities[i] = 0;
        }
        std::stable_sort(order.begin(), order.end(),
                         [this](size_t a, size_t b) { return probabilities[a] > probabilities[b]; });
        double sum = 0;
        for (size_t i : order) {
            const double p = probabilities[i];
            sum += p;
            if (sum - p >= top_p) probabilities[i] = 0;
        }
    }

    const Prediction& prediction;
    int64_t classes;
    double temperature, top_p;
    std::vector<double> probabilities, parts, places, tails;
    std::vector<size_t> order;
};

// A row for each sequence, the first at the start of a cache line.
class Rows {
  public:
    Rows(int64_t count, int64_t width) : lines((count * width + 15) / 16), rows(count) {
        for (int64_t i = 0; i < count; ++i) rows[i] = lines.data()->values + i * width;
    }
    float* operator[](int64_t i) const { return rows[i]; }
    float* const* data() const { return rows.data(); }

  private:
    struct alignas(64) Line {
        float values[16];
    };
    std::vector<Line> lines;
    std::vector<float*> rows;
};

template <class Weights>
class Walker {
  public:
    Walker(const Network& network, const Walk& walk)
        : net(network), walk(walk), sequences(walk.sequences), draw(network), predictor(net.prediction, walk.memory),
          hidden(sequences, net.residual + net.skip), gated(sequences, net.half), head(sequences, net.skip),
          logits(sequences, net.logits), skip(sequences), activations(sequences), past(sequences * net.ahead),
          ahead(sequences * net.ahead), delays(net.layers + 1), predicted(sequences) {
        for (int64_t i = 0; i < sequences; ++i) skip[i] = hidden[i] + net.residual;
        for (int64_t layer = 0; layer < net.layers; ++layer)
            delays[layer + 1] = delays[layer] + (net.kernel - 1) * net.dilations[layer];
    }

    void run() {
        for (int64_t done = 0; done < walk.count; ++done) {
            const int64_t step = walk.step + done;
            if (net.prediction.order && step % net.prediction.every == 0) walk.begin_block();
            begin(step);
            for (int64_t layer = 0; layer < net.layers; ++layer) {
                look_ahead(layer, step);
                convolve(layer, step);
                pass_on(layer);
            }
            read_out();
            for (int64_t i = 0; i < sequences; ++i) finish(i, done);
        }
    }

  private:
    // The first convolution, from tables.
    void begin(int64_t step) {
        for (int64_t i = 0; i < sequences; ++i) {
            std::copy_n(net.start_bias, net.residual, hidden[i]);
            std::copy_n(net.skip_bias, net.skip, skip[i]);
            for (int64_t tap = 0; tap < net.start_kernel; ++tap) {
                const int64_t seen = step - (net.start_kernel - 1 - tap);
                if (seen >= 0 && net.position_tables)
                    add(hidden[i], net.position_tables + (tap * net.hop + seen % net.hop) * net.residual, net.residual);
                if (seen > 0) {
                    const int64_t before = walk.recent[i * net.start_kernel + (seen - 1) % net.start_kernel];
                    add(hidden[i], net.start_tables + (tap * net.classes + before) * net.residual, net.residual);
                }
            }
            if (net.prediction.order) {
                predicted[i] = predictor.predict(i, step);
                predictor.show(i, predicted[i], hidden[i], net.residual);
            }
        }
    }

    // Past taps of as many steps as their inputs are there for: a block of steps reads their weights once. Blocks are
    // powers of two at multiples of themselves, so a longer delay is always added first.
    void look_ahead(int64_t layer, int64_t step) {
        const int64_t width = 2 * net.half, length = (net.kernel - 1) * net.dilations[layer];
        if (step % net.ahead == 0)
            for (int64_t i = 0; i < sequences; ++i)
                for (int64_t later = 0; later < net.ahead; ++later)
                    std::copy_n(net.convolution_bias + layer * width, width, activation(i, layer, later));
        for (int64_t tap = 0; tap < net.kernel - 1; ++tap) {
            const int64_t delay = length - tap * net.dilations[layer];
            int64_t block = net.ahead;
            while (block > delay) block /= 2;
            if (step % block != 0) continue;
            int64_t columns = 0;
            for (int64_t i = 0; i < sequences; ++i)
                for (int64_t later = 0; later < block; ++later, ++columns) {
                    past[columns] = ring(i, layer, (step + later + length - delay) % length);
                    ahead[columns] = activation(i, layer, (step + later) % net.ahead);
                }
            const int64_t matrix = layer * (net.kernel - 1) + tap;
            multiply(net.past_taps, matrix * net.residual * width, net.residual, width, past.data(), ahead.data(),
                     columns, net.share * block);
        }
    }

    void convolve(int64_t layer, int64_t step) {
        const int64_t width = 2 * net.half, length = (net.kernel - 1) * net.dilations[layer];
        for (int64_t i = 0; i < sequences; ++i) {
            activations[i] = activation(i, layer, step % net.ahead);
            if (walk.conditioning) {
                const int64_t hop = i * walk.hops + step / net.hop - walk.step / net.hop;
                const float* held = walk.conditioning + (hop * net.layers + layer) * 2 * net.gate_half;
                add(activations[i], held, net.gate_half);
                add(activations[i] + net.half, held + net.gate_half, net.gate_half);
            }
            if (length) std::copy_n(hidden[i], net.residual, ring(i, layer, step % length));
        }
        multiply(net.present_tap, layer * net.residual * width, net.residual, width, hidden.data(), activations.data());
        for (int64_t i = 0; i < sequences; ++i) gate(activations[i], net.half, gated[i]);
    }

    // Residual and skip path are one product; above the top layer nothing reads the residual path.
    void pass_on(int64_t layer) {
        const bool top = layer == net.layers - 1;
        const int64_t matrix = layer * net.half * (net.residual + net.skip);
        if (!top)
            for (int64_t i = 0; i < sequences; ++i)
                add(hidden[i], net.residual_bias + layer * net.residual, net.residual);
        multiply(net.mix, matrix, net.half, top ? net.skip : net.residual + net.skip, gated.data(),
                 top ? skip.data() : hidden.data());
    }

    void read_out() {
        for (int64_t i = 0; i < sequences; ++i) {
            rectify(skip[i], net.skip);
            std::copy_n(net.head_bias, net.skip, head[i]);
            std::copy_n(net.logits_bias, net.logits, logits[i]);
        }
        multiply(net.head, 0, net.skip, net.skip, skip.data(), head.data());
        for (int64_t i = 0; i < sequences; ++i) rectify(head[i], net.skip);
        multiply(net.to_logits, 0, net.skip, net.logits, head.data(), logits.data());
    }

    void finish(int64_t i, int64_t done) {
        const int64_t place = i * walk.count + done;
        if (net.prediction.order) {
            draw.mix(logits[i], predicted[i]);
            if (walk.given) draw.write_logits(walk.followed + place * net.classes);
            else walk.drawn[place] = draw.from_mixture(walk.uniforms[place]);
        } else if (walk.given) {
            std::copy_n(logits[i], net.classes, walk.followed + place * net.classes);
        } else {
            draw.weigh(logits[i]);
            walk.drawn[place] = draw.pick(walk.uniforms[place]);
        }
        const int64_t chosen = walk.given ? walk.given[place] : walk.drawn[place];
        walk.recent[i * net.start_kernel + (walk.step + done) % net.start_kernel] = chosen;
        if (net.prediction.order) predictor.learn(i, walk.step + done, chosen, predicted[i]);
    }

    void multiply(const void* matrices, int64_t offset, int64_t depth, int64_t width, const float* const* inputs,
                  float* const* outputs, int64_t count, int64_t packed_for) {
        const auto* weights = static_cast<const typename Weights::Stored*>(matrices) + offset;
        const int64_t widest = widest_tile(packed_for);
        if constexpr (std::is_same_v<typename Weights::Input, float>) {
            Product<Weights>{depth, inputs, outputs, count, widest}.add(weights, width);
        } else {
            rounded.resize(count * depth);
            rounded_rows.resize(count);
            for (int64_t i = 0; i < count; ++i) {
                Weights::round(inputs[i], depth, &rounded[i * depth]);
                rounded_rows[i] = &rounded[i * depth];
            }
            Product<Weights>{depth, rounded_rows.data(), outputs, count, widest}.add(weights, width);
        }
    }

    void multiply(const void* matrices, int64_t offset, int64_t depth, int64_t width, float* const* inputs,
                  float* const* outputs) {
        multiply(matrices, offset, depth, width, inputs, outputs, sequences, net.share);
    }

    float* ring(int64_t i, int64_t layer, int64_t slot) const {
        return walk.rings + (i * delays.back() + delays[layer] + slot) * net.residual;
    }

    float* activation(int64_t i, int64_t layer, int64_t later) const {
        return walk.activations + ((i * net.layers + layer) * net.ahead + later) * 2 * net.half;
    }

    const Network& net;
    const Walk& walk;
    const int64_t sequences;
    Draw draw;
    Predictor predictor;
    Rows hidden, gated, head, logits;  // hidden holds the residual path, then the skip path
    std::vector<float*> skip, activations;
    std::vector<const float*> past;
    std::vector<float*> ahead;
    std::vector<int64_t> delays;  // of the layers below each, together
    std::vector<Predicted> predicted;
    std::vector<uint16_t> rounded;
    std::vector<const uint16_t*> rounded_rows;
};

}  // namespace

extern "C" {

int64_t vector_lanes() { return LANES; }

int64_t tile_vectors(int64_t columns) { return widest_tile(columns); }

int64_t has_bfloat16_products() {
#if defined(__AVX512BF16__)
    return 1;
#else
    return 0;
#endif
}

// Goes the steps; 0, or 1 where memory is short.
int64_t go_along(const Network* network, const Walk* walk) {
    try {
        switch (network->precision) {
            case Precision::float32: Walker<Float32>(*network, *walk).run(); break;
            case Precision::bfloat16_weights: Walker<Bfloat16Weights>(*network, *walk).run(); break;
#if defined(__AVX512BF16__)
            case Precision::bfloat16: Walker<Bfloat16>(*network, *walk).run(); break;
#endif
            default: return 2;
        }
    } catch (const std::bad_alloc&) {
        return 1;
    }
    return 0;
}
}
