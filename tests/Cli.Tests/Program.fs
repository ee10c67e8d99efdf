module Cli.Tests.Program

open Expecto

[<EntryPoint>]
let main argv =
    match argv with
    | [| "--play"; "push" |] -> (ToolTests.pushUntilInterrupted false).GetAwaiter().GetResult()
    | [| "--play"; "stubborn-push" |] -> (ToolTests.pushUntilInterrupted true).GetAwaiter().GetResult()
    | [| "--play"; "append"; path |] -> (ReceiptsFileTests.appendForEver path).GetAwaiter().GetResult()
    | _ -> runTestsInAssemblyWithCLIArgs [] argv
