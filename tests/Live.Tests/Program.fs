module Live.Tests.Program

open TestPlatform

[<EntryPoint>]
let main argv = TestProgram.run argv
