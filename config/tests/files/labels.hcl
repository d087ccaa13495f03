a "b" "c" {
  x = 1
}
a "b" "d" {}
a "b" "c" { x = 2 }
plain {}
plain {
  deep "l" {
    y = <<E
	tab
  ${z}
E
  }
}
m = <<-X
   a

     b
   X
