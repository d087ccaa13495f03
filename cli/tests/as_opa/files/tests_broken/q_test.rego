package broken_test

test_c if { 
