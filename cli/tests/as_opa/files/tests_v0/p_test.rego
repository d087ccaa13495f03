package v0_test

test_old { input == {"a": 1} with input as {"a": 1} }

test_fails { false }
