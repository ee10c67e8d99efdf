module Program

open TestPlatform

[<EntryPoint>]
let main argv = TestProgram.run argv
