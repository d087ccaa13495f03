package broken_test

test_a if x == 1

test_b if y == 1
