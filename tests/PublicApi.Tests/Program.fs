module PublicApi.Tests.Program

open Expecto
open PublicApi.Tests

[<EntryPoint>]
let main argv =
    match argv with
    | [| "--accept" |] ->
        Files.accept ()
        0
    | _ -> runTestsInAssemblyWithCLIArgs [] argv
