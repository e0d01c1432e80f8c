module example.test/bucket

go 1.18
