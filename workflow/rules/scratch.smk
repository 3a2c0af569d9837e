# The table with every network from fresh weights: another configuration, so a workflow of its own, in a folder of its own.


rule table_from_scratch:
    log:
        "<logs>/table_from_scratch.log",
    localrule: True
    conda:
        "../../envs/main.yaml"
    threads: 1024  # scaled down to --cores, all of which it takes
    params:
        snakefile=f"{workflow.basedir}/Snakefile",
        config=f"{workflow.basedir}/config/table-from-scratch.yaml",
    shell:
        "python -m snakemake table --snakefile {params.snakefile:q} --configfile {params.config:q}"
        " --directory results/from-scratch --cores {threads:q} 2>&1 | tee {log:q}"
