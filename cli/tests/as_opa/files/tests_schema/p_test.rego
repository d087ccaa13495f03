package schema_test

test_a if input.usr == "alice" with input as {"usr": "alice"}
