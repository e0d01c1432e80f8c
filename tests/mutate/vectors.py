"""One example a language and operator: a source with one site of that operator, and what becomes of it."""

PYTHON = {
    "wrong-default": ("def f(a, *, b = 'x'):\n    pass\n", "def f(a, *, b = ''):\n    pass\n"),
    "boundary": ("x = a  <  b\n", "x = a  <=  b\n"),
    "comparator-swap": ("x = a not  in b\n", "x = a in b\n"),
    "logic-swap": ("x = (a and\n     b)\n", "x = (a or\n     b)\n"),
    "dropped-not": ("x = not (a)\n", "x = (a)\n"),
    "negated-condition": ("while(a):\n    pass\n", "while(not (a)):\n    pass\n"),
    "arithmetic-swap": ("x  +=  1 # +\n", "x  -=  1 # +\n"),
    "off-by-one": ("x = a[1:b]\n", "x = a[2:b]\n"),
    "boolean-flip": ("f(a=True)\n", "f(a=False)\n"),
    "swapped-arguments": ("f( a , (b), *c, d=e)\n", "f( (b) , a, *c, d=e)\n"),
    "break-continue": ("for a in b: break\n", "for a in b: continue\n"),
    "dropped-return": ("def f():\n    return(a)  # a\n", "def f():\n    return None  # a\n"),
    "dropped-call": ("a.b(c); d = e()\n", "pass; d = e()\n"),
    "dropped-await": ("async def f():\n    a = await  b()\n", "async def f():\n    a = b()\n"),
}

JAVASCRIPT = {
    "wrong-default": ("function f(a, b = 'x') {}\n", "function f(a, b = '') {}\n"),
    "boundary": ("x = a  >  b;\n", "x = a  >=  b;\n"),
    "comparator-swap": ("x = a !== b;\n", "x = a === b;\n"),
    "logic-swap": ("x = a && b;\n", "x = a || b;\n"),
    "dropped-not": ("x = !(a);\n", "x = (a);\n"),
    "negated-condition": ("if (a < b) c = d;\n", "if (!(a < b)) c = d;\n"),
    "arithmetic-swap": ("x = a % b + 'px';\n", "x = a * b + 'px';\n"),
    "off-by-one": ("x = a[0];\n", "x = a[1];\n"),
    "boolean-flip": ("f({a: true});\n", "f({a: false});\n"),
    "swapped-arguments": ("x = f(a, /* b */ b);\n", "x = f(b, /* b */ a);\n"),
    "break-continue": (
        "for (;;) { switch (a) { case b: break; } break; }\n",
        "for (;;) { switch (a) { case b: break; } continue; }\n",
    ),
    "dropped-return": ("const f = () => { return a };\n", "const f = () => { return undefined };\n"),
    "dropped-call": ("await a.b(c); console.log(d);\n", "; console.log(d);\n"),
    "dropped-await": ("async () => { const a = await b(); };\n", "async () => { const a = b(); };\n"),
}

GO = {
    "wrong-default": ("package p\nfunc f() { a := 7; _ = a }\n", "package p\nfunc f() { a := 8; _ = a }\n"),
    "boundary": ("package p\nvar x = a <= b\n", "package p\nvar x = a < b\n"),
    "comparator-swap": ("package p\nvar x = a == b\n", "package p\nvar x = a != b\n"),
    "logic-swap": ("package p\nvar x = a || b\n", "package p\nvar x = a && b\n"),
    "dropped-not": ("package p\nvar x = !a\n", "package p\nvar x = a\n"),
    "negated-condition": (
        "package p\nfunc f() { if a := b(); a { c() } }\n",
        "package p\nfunc f() { if a := b(); !(a) { c() } }\n",
    ),
    "arithmetic-swap": ('package p\nfunc f() { a++; b += "c" }\n', 'package p\nfunc f() { a--; b += "c" }\n'),
    "off-by-one": ("package p\nvar x = a[1:]\n", "package p\nvar x = a[2:]\n"),
    "boolean-flip": ("package p\nvar x = f(false)\n", "package p\nvar x = f(true)\n"),
    "swapped-arguments": ("package p\nvar x = f(a, b)\n", "package p\nvar x = f(b, a)\n"),
    "break-continue": (
        "package p\nfunc f() { for { continue } }\n",
        "package p\nfunc f() { for { break } }\n",
    ),
    "dropped-return": (
        "package p\nfunc f() (*T, error) { return a, nil }\n",
        "package p\nfunc f() (*T, error) { return nil, nil }\n",
    ),
    "dropped-call": (
        "package p\nfunc f() {\n\tg(a)\n\tb = h()\n}\n",
        "package p\nfunc f() {\n\t\n\tb = h()\n}\n",
    ),
}

RUST = {
    "wrong-default": ('fn f() { a.unwrap_or("x"); }\n', 'fn f() { a.unwrap_or(""); }\n'),
    "boundary": ("fn f() { x = a >= b; }\n", "fn f() { x = a > b; }\n"),
    "comparator-swap": ("fn f() { x = a > b; }\n", "fn f() { x = a < b; }\n"),
    "logic-swap": ("fn f() { x = a && b; }\n", "fn f() { x = a || b; }\n"),
    "dropped-not": ("fn f() { x = !a; }\n", "fn f() { x = a; }\n"),
    "negated-condition": (
        "fn f() { if let Some(a) = b {} if c.d() {} }\n",
        "fn f() { if let Some(a) = b {} if !(c.d()) {} }\n",
    ),
    "arithmetic-swap": ("fn f() { a -= b; }\n", "fn f() { a += b; }\n"),
    "off-by-one": (
        "fn f() { x = a[1usize]; }\n#[cfg(test)]\nmod tests { fn g() { y(3); } }\n",
        "fn f() { x = a[2usize]; }\n#[cfg(test)]\nmod tests { fn g() { y(3); } }\n",
    ),
    "boolean-flip": ("fn f() { g(true); }\n", "fn f() { g(false); }\n"),
    "swapped-arguments": ("fn f() { g(&a, b); }\n", "fn f() { g(b, &a); }\n"),
    "break-continue": (
        "fn f() { 'o: loop { loop { break 'o; } break; } }\n",
        "fn f() { 'o: loop { loop { break 'o; } continue; } }\n",
    ),
    "dropped-return": ("fn f() -> Option<A> { g(); a.b }\n", "fn f() -> Option<A> { g(); None }\n"),
    "dropped-call": ("fn f() { a.b()?; c = d(); }\n", "fn f() { ; c = d(); }\n"),
}

JAVA = {
    "wrong-default": ("class A { int n = 3; }\n", "class A { int n = 4; }\n"),
    "boundary": ("class A { boolean x = a < b; }\n", "class A { boolean x = a <= b; }\n"),
    "comparator-swap": ("class A { boolean x = a != b; }\n", "class A { boolean x = a == b; }\n"),
    "logic-swap": ("class A { boolean x = a || b; }\n", "class A { boolean x = a && b; }\n"),
    "dropped-not": ("class A { boolean x = !a; }\n", "class A { boolean x = a; }\n"),
    "negated-condition": (
        "class A { void f() { while (a.b()) { c = d; } } }\n",
        "class A { void f() { while (!(a.b())) { c = d; } } }\n",
    ),
    "arithmetic-swap": ("class A { int x = a - b; }\n", "class A { int x = a + b; }\n"),
    "off-by-one": ("class A { @B(1) int x = a.b(10L); }\n", "class A { @B(1) int x = a.b(11L); }\n"),
    "boolean-flip": ("class A { boolean x = a.b(true); }\n", "class A { boolean x = a.b(false); }\n"),
    "swapped-arguments": ("class A { int x = f(a, b); }\n", "class A { int x = f(b, a); }\n"),
    "break-continue": (
        "class A { void f() { for (A a : b) { break; } } }\n",
        "class A { void f() { for (A a : b) { continue; } } }\n",
    ),
    "dropped-return": ("class A { String f() { return a; } }\n", "class A { String f() { return null; } }\n"),
    "dropped-call": (
        "class A { void f() { a.b(c); System.out.println(d); } }\n",
        "class A { void f() { ; System.out.println(d); } }\n",
    ),
}

C = {
    "wrong-default": ("int f(void) { int n = 0; g(n); }\n", "int f(void) { int n = 1; g(n); }\n"),
    "boundary": ("int x = a > b;\n", "int x = a >= b;\n"),
    "comparator-swap": ("int x = a == b;\n", "int x = a != b;\n"),
    "logic-swap": ("int x = a && b;\n", "int x = a || b;\n"),
    "dropped-not": ("int x = !a;\n", "int x = a;\n"),
    "negated-condition": (
        "int f(void) { do a = b; while (*c); }\n",
        "int f(void) { do a = b; while (!(*c)); }\n",
    ),
    "arithmetic-swap": ("int x = a << b;\n", "int x = a >> b;\n"),
    "off-by-one": (
        "#if N > 2\nint x = a[010] + b[10UL];\n#endif\n",
        "#if N > 2\nint x = a[010] + b[11UL];\n#endif\n",
    ),
    "boolean-flip": ("bool x = f(true);\n", "bool x = f(false);\n"),
    "swapped-arguments": ("int x = f(a, b);\n", "int x = f(b, a);\n"),
    "break-continue": (
        "int f(void) { while (a) { continue; } }\n",
        "int f(void) { while (a) { break; } }\n",
    ),
    "dropped-return": (
        "static const char *f(void) { return a + b; }\n",
        "static const char *f(void) { return 0; }\n",
    ),
    "dropped-call": ("int f(void) { g(a); b = h(); }\n", "int f(void) { ; b = h(); }\n"),
}

SHELL = {
    "wrong-default": ('a="${1:-x}"\n', 'a="${1:-}"\n'),
    "boundary": ("[ $a -lt $b ] && [[ $a < $b ]]\n", "[ $a -le $b ] && [[ $a < $b ]]\n"),
    "comparator-swap": ('[ -z "$a" ]\n', '[ -n "$a" ]\n'),
    "logic-swap": ("a && b\n", "a || b\n"),
    "dropped-not": ("if ! a; then b; fi\n", "if a; then b; fi\n"),
    "negated-condition": (
        "if [ $a = $b ]; then c; elif grep d e; then f; fi\n",
        "if [ $a = $b ]; then c; elif ! grep d e; then f; fi\n",
    ),
    "arithmetic-swap": ("a=$(( b  *  c ))\n", "a=$(( b  /  c ))\n"),
    "off-by-one": ("head -n 3 a; exit 3\n", "head -n 4 a; exit 3\n"),
    "swapped-arguments": ('cp -a "$a" b; echo c d\n', 'cp -a b "$a"; echo c d\n'),
    "break-continue": ("while a; do break; done\n", "while a; do continue; done\n"),
    "dropped-return": ("f() { return 3; }\n", "f() { return 0; }\n"),
    "dropped-call": ("if a; then b c; fi\n", "if a; then :; fi\n"),
}

VECTORS = {
    "c": C,
    "go": GO,
    "java": JAVA,
    "javascript": JAVASCRIPT,
    "python": PYTHON,
    "rust": RUST,
    "shell": SHELL,
}
