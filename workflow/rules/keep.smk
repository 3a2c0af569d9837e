# What people made stays until what takes its place is whole: Snakemake deletes a job's outputs when the job begins.


rule keep_file:
    input:
        "results/making/{made}",
    output:
        "results/{made}",
    log:
        "<logs>/keep/{made}.log",
    wildcard_constraints:
        made=rf"play/played\.flac|play/timbre\.json|music/({alternatives(experiment.music)})\.flac",
    localrule: True
    conda:
        "../../envs/main.yaml"
    # where a file cannot have two names, it is copied
    shell:
        "(ln {input:q} {output:q} || cp {input:q} {output:q}) 2> {log:q}; echo {output:q}"


rule keep_folder:
    input:
        making(COMPOSED),
    output:
        directory(COMPOSED),
    log:
        "<logs>/keep/{composition}.log",
    localrule: True
    conda:
        "../../envs/main.yaml"
    shell:
        "mkdir -p {output:q}; (cp -Rl {input:q}/. {output:q} || cp -R {input:q}/. {output:q}) 2> {log:q}; echo {output:q}"
