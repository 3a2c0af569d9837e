# Networks turn sequences into shorter ones of codes, all tracks of them.


rule encode:
    input:
        data=encoder_below,
        index=encoder_below_index,
        model=encoder,
    output:
        data=DATA,
        index=INDEX,
    log:
        "<logs>/encode/{sequence}.log",
    benchmark:
        "<benchmarks>/encode/{sequence}.tsv"
    wildcard_constraints:
        sequence=alternatives(
            name for name, sequence in plan.sequences.items() if sequence.encoded_by
        ),
    priority: 20
    conda:
        "../../envs/main.yaml"
    threads: THREADS
    resources:
        gpu=GPUS,
        mem_mb=NETWORK_MEGABYTES,
        runtime=240,
    params:
        folder=subpath(input.data, parent=True),
        output=subpath(output.data, parent=True),
    shell:
        "python -m descant.commands.codes --model {input.model:q} --sequence {params.folder:q}"
        " --output {params.output:q} --threads {threads:q} --gpus {resources.gpu:q} 2> {log:q}"
