module Package.Tests.Program

open Expecto
open Package.Tests

[<EntryPoint>]
let main argv =
    try
        runTestsInAssemblyWithCLIArgs [] argv
    finally
        Packages.removeAll ()
