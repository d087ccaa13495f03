locals {
  a = "x ${var.y} z"
  b = var.foo
  c = [1, -2, 3.50, 1e3, true, null, "l"]
  d = { a = 1, "b c" = 2, (var.k) = 3, "x${var.y}" = 4, e : 5, a.b = 7 }
  e = foo(1, [2])
  f = <<EOT
hello ${var.x}
  world $${esc} %%{x}
EOT
  g = <<-EOT
    indent
      more
  EOT
  h = a ? b : c
  i = !true
  j = -var.x
  k = (1 + 2)
  l = "esc $${a} %%{b} \"q\" \n \u00e9"
  m = "${var.only}"
  n = [for x in y : x if x]
  o = "a %{if x}yes%{else}no%{endif} b %{ for i in l ~} ${i} %{ endfor }"
  p = "${"str"}"
  q = var.a[0].b["c"].*.d
  r = 12345678901234567890.123
  s = 100000000000000000000000
  t = (1)
  u = ""
  v = "${true}"
  w = (foo(1))
  x = bar(1)[0]
  y = a(1) + b(2)
  z = "n ${a ? "x" : "y"} m"
  true = 1
  aa = { true = 1, null = 2, 5 = 3, 1.5 = 2 }
}
resource "aws_s3_bucket" "a" {
  bucket = "b"
  versioning { enabled = true }
  versioning { enabled = false }
  dynamic "setting" {
    for_each = var.s
    content { name = setting.value["n"] }
  }
}
resource "aws_s3_bucket" "b" {}
resource "aws_s3_bucket" "a" { bucket = "again" }
variable foo { default = {} }
