module Cli.Tests.Program

open System
open TestPlatform

[<EntryPoint>]
let main argv =
    // The servers of the tests are on loopback; a proxy of the developer's is none of their business.
    for name in [ "HTTP_PROXY"; "HTTPS_PROXY"; "ALL_PROXY"; "NO_PROXY" ] do
        Environment.SetEnvironmentVariable(name, null)
        Environment.SetEnvironmentVariable(name.ToLowerInvariant(), null)

    match argv with
    | [| "--play"; "push" |] -> (ToolTests.pushUntilInterrupted false).GetAwaiter().GetResult()
    | [| "--play"; "stubborn-push" |] -> (ToolTests.pushUntilInterrupted true).GetAwaiter().GetResult()
    | [| "--play"; "append"; path |] -> (ReceiptsFileTests.appendForEver path).GetAwaiter().GetResult()
    | [| "--write-documents" |] ->
        Reference.accept ()
        (Session.accept ()).GetAwaiter().GetResult()
        0
    | _ -> TestProgram.run argv
