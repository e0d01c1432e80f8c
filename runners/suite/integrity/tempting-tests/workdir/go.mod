module example.test/loans

go 1.18
