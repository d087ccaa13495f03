# Shared by examples/record and examples/compare: runs one line of golden/list.txt.

# eval_line PROGRAM POLICY INPUT QUERY: prints what the program prints.
eval_line() {
    local input=$3 scratch=
    if [[ $input == generated:* ]]; then
        local seed resources
        IFS=: read -r _ seed resources <<<"$input"
        scratch=$(mktemp)
        # Beside the program if it was built with it: building it alone takes minutes.
        local generator=("$(dirname "$1")/generate-plan")
        if [[ ! -x ${generator[0]} ]]; then
            generator=(cargo run --quiet -p regovm-benches --bin generate-plan --)
        fi
        "${generator[@]}" --seed "$seed" --resources "$resources" >"$scratch"
        input=$scratch
    fi
    local status=0
    "$1" eval -d "$2" -i "$input" --format json "$4" || status=$?
    [[ -z $scratch ]] || rm -f "$scratch"
    return $status
}

# each_line FUNCTION: calls it with NAME POLICY INPUT QUERY for each line of the list.
each_line() {
    local name policy input query
    while IFS='|' read -r name policy input query; do
        [[ $name == \#* || -z $name ]] && continue
        read -r name <<<"$name"
        read -r policy <<<"$policy"
        read -r input <<<"$input"
        query=${query# }
        "$1" "$name" "$policy" "$input" "$query" </dev/null
    done <examples/golden/list.txt
}
