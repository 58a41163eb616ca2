"""The live page: what a browser gets at `/`, and the files that it is made of.

`page/` is ours: one HTML page, plain ES modules and style sheets, nothing to build. `vendor/` is others', unmodified,
with the version in each name and the licence beside it.
"""
