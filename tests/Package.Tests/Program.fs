module Package.Tests.Program

open TestPlatform
open Package.Tests

[<EntryPoint>]
let main argv =
    try
        TestProgram.run argv
    finally
        Packages.removeAll ()
