module example.test/lists

go 1.18
