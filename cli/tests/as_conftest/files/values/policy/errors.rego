package errors

deny contains "divided" if 1 / input.zero == 1

deny contains "fine"
