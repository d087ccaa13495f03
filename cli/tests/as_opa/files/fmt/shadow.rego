package shadow
import data.a
import data.a

input := 1
any := any([true])
