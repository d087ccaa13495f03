//! Policies that do not end, or fill the memory. The benchmark `deadlines` uses them too.

/// What is asked of each bomb.
pub const QUERY: &str = "data.p.allow";

/// A policy that should be stopped.
pub struct Bomb {
    pub name: &'static str,
    pub policy: String,
    /// It grows without end, so that a budget of memory ends it.
    #[allow(dead_code)] // Only one of those who share this file asks.
    pub grows: bool,
}

/// Three hundred numbers, a wide and a deep document.
pub fn input() -> Vec<u8> {
    let numbers: Vec<String> = (1..=300).map(|i| i.to_string()).collect();
    let wide: Vec<String> = (0..2000)
        .map(|i| format!("\"k{i}\": [{i}, {{\"a\": \"{i}\"}}]"))
        .collect();
    let deep = format!("{}1{}", "[".repeat(2000), "]".repeat(2000));
    format!(
        "{{\"xs\": [{}], \"wide\": {{{}}}, \"deep\": {deep}}}",
        numbers.join(","),
        wide.join(",")
    )
    .into_bytes()
}

fn chain(first: &str, step: impl Fn(&str) -> String, count: usize, query: &str) -> String {
    let mut text = format!("package p\ns0 := {first}\n");
    for i in 0..count {
        text.push_str(&format!("s{} := {}\n", i + 1, step(&format!("s{i}"))));
    }
    text + &format!(
        "allow := x if {{\n  x := {}\n}}\n",
        query.replace('@', &format!("s{count}"))
    )
}

fn allow(body: &str) -> String {
    format!("package p\nallow := x if {{\n  x := {body}\n}}\n")
}

/// All of them.
pub fn bombs() -> Vec<Bomb> {
    let mut bombs = Vec::new();
    let mut add = |name, grows, policy: String| {
        bombs.push(Bomb {
            name,
            policy,
            grows,
        })
    };

    add("every", false, "package p\nallow if {\n  every a in input.xs { every b in input.xs { every c in input.xs { every d in input.xs { a + b + c + d > 0 } } } }\n}\n".into());
    add("walk, wide", false, "package p\nallow if {\n  [_, a] := walk(input.wide)\n  [_, b] := walk(input.wide)\n  [_, c] := walk(input.wide)\n  a == {b, c, 1}\n}\n".into());
    add("walk, deep", false, "package p\nallow if {\n  [p, _] := walk(input.deep)\n  [q, _] := walk(input.deep)\n  [r, _] := walk(input.wide)\n  p == [q, r, 1]\n}\n".into());
    add(
        "paths of walks",
        true,
        allow("[p | [p, _] := walk(input.deep); some i in numbers.range(1, 1000000)]"),
    );
    add(
        "comprehensions",
        true,
        allow(
            "[y | some a in input.xs; y := [z | some b in input.xs; z := [[a, b, c] | some c in input.xs]]]",
        ),
    );
    add(
        "set comprehension",
        true,
        allow("{[a, b, c] | some a in input.xs; some b in input.xs; some c in input.xs}"),
    );
    add(
        "object comprehension",
        true,
        allow(
            "{sprintf(\"%d-%d-%d\", [a, b, c]): [a] | some a in input.xs; some b in input.xs; some c in input.xs}",
        ),
    );
    add("partial set", true, "package p\ns contains [a, b, c] if {\n  some a in input.xs\n  some b in input.xs\n  some c in input.xs\n}\nallow := count(s)\n".into());
    add("partial object", true, "package p\nt[a][b] contains c if {\n  some a in numbers.range(1, 100000)\n  some b in input.xs\n  some c in input.xs\n}\nallow := count(t)\n".into());
    add("functions", true, "package p\nf(x, y, z) := x + y + z\nallow := x if {\n  x := sum([f(a, b, c) | some a in input.xs; some b in input.xs; some c in input.xs])\n}\n".into());
    add(
        "rows",
        true,
        "package p\nallow := x if {\n  x := count([1 | some a in numbers.range(1, 30000000)])\n}\n"
            .into(),
    );
    add("with", false, "package p\ng := count(input.wide) + count(input)\nallow := x if {\n  x := [y | some a in numbers.range(1, 10000000); y := g with input.xs as a]\n}\n".into());
    add(
        "numbers.range",
        true,
        allow("count(numbers.range(1, 1000000000))"),
    );
    add(
        "many ranges",
        false,
        allow("[count(numbers.range(1, 10000 + i)) | some i in numbers.range(1, 100000)]"),
    );
    add(
        "sprintf, width",
        true,
        allow(r#"[sprintf("%*d", [10000 + i, 1]) | some i in numbers.range(1, 100000)]"#),
    );
    add(
        "shift",
        false,
        allow("[x | some i in numbers.range(1, 1000000); x := bits.lsh(1, 400000 + i) > 0]"),
    );
    add(
        "product",
        false,
        allow(
            "[x | some i in numbers.range(1, 1000000); x := product([bits.lsh(1, 100000 + i) - 1, bits.lsh(1, 100000) - 1]) > 0]",
        ),
    );
    add(
        "division",
        false,
        allow(
            "[x | some i in numbers.range(1, 1000000); x := bits.lsh(1, 300000 + i) % (bits.lsh(1, 150000) - 1)]",
        ),
    );
    add(
        "sort",
        true,
        allow(
            "[sort([[input.xs, (i * 7919 + j) % 1009] | some j in numbers.range(1, 1000)])[0] | some i in numbers.range(1, 100000)]",
        ),
    );
    add("suffixes", false, "package p\ns := replace(sprintf(\"%100000d\", [1]), \" \", \"a\")\nallow := count({substring(s, i, -1) | some i in numbers.range(1, 99999)})\n".into());
    let growing = |function: &'static str| {
        chain(
            r#""aaaaaaaaaa""#,
            move |s| function.replace('@', s),
            40,
            "count(@)",
        )
    };
    add("replace", true, growing(r#"replace(@, "a", "aaaa")"#));
    add("concat", true, growing(r#"concat("", [@, @, @, @])"#));
    add(
        "sprintf",
        true,
        growing(r#"sprintf("%s%s%s%s", [@, @, @, @])"#),
    );
    add("template", true, growing(r#"$"{@}{@}{@}{@}""#));
    add(
        "regex.replace",
        true,
        growing(r#"regex.replace(@, "a", "aaaa")"#),
    );
    add(
        "marshal",
        true,
        growing(r#"json.marshal(concat("\"", [@, @]))"#),
    );
    add("base64", true, growing("base64.encode(concat(@, [@, @]))"));
    add(
        "upper and split",
        true,
        growing(r#"concat("b", split(concat("a", [upper(@), lower(@)]), "A"))"#),
    );
    add(
        "array.concat",
        true,
        chain(
            "[1, 2, 3]",
            |s| format!("array.concat({s}, array.concat({s}, {s}))"),
            40,
            "count(@)",
        ),
    );
    add("object.union", true, "package p\nbase := {sprintf(\"k%d\", [i]): i | some i in numbers.range(1, 1000)}\nallow := x if {\n  x := [object.union(base, {i: 1}) | some i in numbers.range(1, 1000000)]\n}\n".into());
    add(
        "object.union_n",
        true,
        allow(
            "object.union_n([{i: {j: {\"x\": i}}} | some i in numbers.range(1, 100000); some j in input.xs])",
        ),
    );
    add(
        "json.patch",
        true,
        allow(
            "[json.patch(input.wide, [{\"op\": \"add\", \"path\": [i], \"value\": 1}]) | some i in numbers.range(1, 1000000)]",
        ),
    );
    let shared = |query: &str| chain(r#"["a"]"#, |s| format!("[{s}, {s}]"), 40, query);
    add(
        "text of shared values",
        true,
        shared("count(json.marshal(@))"),
    );
    add(
        "sprintf of shared values",
        true,
        shared(r#"count(sprintf("%v", [@]))"#),
    );
    add(
        "walk over shared values",
        false,
        shared("count([1 | walk(@)])"),
    );
    add("answer of shared values", true, shared("@"));
    add("comparisons", false, "package p\nbase := [i | some i in numbers.range(1, 3000)]\nother := [i | some i in numbers.range(1, 3000)]\nallow := x if {\n  x := [i | some i in numbers.range(1, 1000000); base == other]\n}\n".into());
    add("regex, long text", false, "package p\ns := replace(sprintf(\"%100000d\", [1]), \" \", \"x\")\nallow := x if {\n  x := [regex.match(`(x+x+)+y|(a?){50}(a*)*b`, sprintf(\"%s%d\", [s, i])) | some i in numbers.range(1, 1000000)]\n}\n".into());
    add("regex, large pattern", false, "package p\ns := replace(sprintf(\"%100000d\", [1]), \" \", \"x\")\nallow := x if {\n  x := [regex.match(`(\\pL{500}){2}\\pL{1000}0`, s) | some i in numbers.range(1, 1000000)]\n}\n".into());
    add(
        "regexes",
        true,
        allow(
            r#"[regex.match(sprintf(`(\pL{%d}){5}`, [i]), "aaa") | some i in numbers.range(1, 1000000)]"#,
        ),
    );
    add("regex matches", true, "package p\ns := replace(sprintf(\"%1000000d\", [1]), \" \", \"x\")\nallow := x if {\n  x := [regex.find_n(`x|y(z)`, s, -1) | some i in numbers.range(1, 1000000)]\n}\n".into());
    add("glob", false, "package p\ns := replace(sprintf(\"%100000d\", [1]), \" \", \"x\")\nallow := x if {\n  x := [glob.match(`*x*x*x*{a,b,c?d}*y`, null, sprintf(\"%s%d\", [s, i])) | some i in numbers.range(1, 1000000)]\n}\n".into());
    bombs
}
