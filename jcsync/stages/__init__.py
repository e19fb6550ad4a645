"""The stages of a run, one module each.

    stage    module             touches the world?
    read     read.py            yes, through ports.Directory and ports.ServiceProvider
    map      mapping.py         no
    match    matching.py        no
    confirm  confirm.py         yes, through ports.Directory
    diff     diff.py            no
             groups.py          no
             settle.py          no
             escrow.py          no
             restrict.py        no
    guard    guard.py           no
    apply    apply.py           yes, through ports.ServiceProvider
    record   record.py          yes, through ports.Store

A stage that does not touch the world takes values and returns values: no
network, no file, no clock, no randomness, no logging. Called twice with the
same arguments it returns equal results, so every decision that jcsync takes
can be replayed from a recorded run.
"""
