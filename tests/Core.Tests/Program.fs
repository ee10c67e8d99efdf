module CellOS.Export.S3.Core.Tests.Program

open Expecto

[<EntryPoint>]
let main argv = runTestsInAssemblyWithCLIArgs [] argv
