module PublicApi.Tests.Program

open TestPlatform
open PublicApi.Tests

[<EntryPoint>]
let main argv =
    match argv with
    | [| "--accept" |] ->
        Files.accept ()
        0
    | _ -> TestProgram.run argv
