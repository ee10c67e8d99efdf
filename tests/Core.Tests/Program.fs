module CellOS.Export.S3.Core.Tests.Program

open TestPlatform

[<EntryPoint>]
let main argv = TestProgram.run argv
