// Stands in until this folder has its first source; delete then.
