/// What every test program does when it is started.
module TestPlatform.TestProgram

open System
open Expecto
open Expecto.Impl

/// The texts that `--filter` names, and all other arguments.
let rec private split (arguments: string list) =
    match arguments with
    | "--filter" :: text :: rest ->
        let texts, others = split rest
        text :: texts, others
    | argument :: rest ->
        let texts, others = split rest
        texts, argument :: others
    | [] -> [], []

/// Prints why a test is ignored, which Expecto does with `--debug` alone.
let private printer =
    TestPrinters.defaultPrinter
    |> TestPrinters.withIgnored (fun name reason -> async { printfn $"%s{name} was ignored. %s{reason}" })

/// Runs what is marked with `[<Tests>]` in the program; gives the exit code. `--filter TEXT` takes the tests whose full
/// name contains the text. The other arguments are those of Expecto or, with `--server`, of Microsoft.Testing.Platform.
let run (arguments: string[]) : int =
    let texts, others = split (List.ofArray arguments)
    let all = testFromThisAssembly () |> Option.defaultValue (TestList([], Normal))

    let isAsked (names: string list) =
        let name = String.concat "." names
        texts |> List.forall (fun text -> name.Contains(text, StringComparison.Ordinal))

    let tests = if texts.IsEmpty then all else Test.filter "." isAsked all

    if List.contains "--server" others then
        Adapter.run tests (Array.ofList others)
    else
        let plain = if Console.IsOutputRedirected then [ No_Spinner; Colours 0 ] else []

        runTestsWithCLIArgs (Printer printer :: plain) (Array.ofList others) tests
