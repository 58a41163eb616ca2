"""The measurements: each target of the design as a figure, taken on the machine at hand. `docs/benchmarks.md` explains.

__main__     which measures run, and the report
single batch paced funnel memory outage      one measure each: starts what it needs, loads it, returns `Figure`s
client watch                                 processes of their own: who sends, and who sees what became visible
bare seed_way xadd                           what the product is compared with
traffic pace figures                         pure: the bodies, when they are due, percentiles and ratios
"""
