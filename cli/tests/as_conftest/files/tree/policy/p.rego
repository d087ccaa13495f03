package main

deny contains sprintf("bad %s", [data.conftest.file.name]) if input.bad
