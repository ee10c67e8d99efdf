/// The table of transitions beside `Push.step`, held against what the machine does.
module CellOS.Export.S3.Core.Tests.TransitionTests

open System
open System.IO
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.Coverage
open CellOS.Export.S3.Core.Tests.PushGenerators
open CellOS.Export.S3.Core.Tests.Driver
open CellOS.Export.S3.Core.Tests.PushRuns
open CellOS.Export.S3.Core.Tests.Stories
open CellOS.Export.S3.Core.Tests.UrlGenerators

let private nameOf (output: Output) (isComparing: bool) =
    match output with
    | Output.Put _ -> "Put"
    | Output.AskUrl _ -> "AskUrl"
    | Output.TakeDigests _ -> if isComparing then "TakeDigests of a response" else "TakeDigests"
    | Output.Wait _ -> "Wait"
    | Output.Done _ -> "Done"
    | Output.Failed _ -> "Failed"

let private nameOfInput (input: Input) =
    match input with
    | Input.Started _ -> "Started"
    | Input.NoSource _ -> "NoSource"
    | Input.UrlGiven _ -> "UrlGiven"
    | Input.UrlGranted _ -> "UrlGranted"
    | Input.UrlDelayed _ -> "UrlDelayed"
    | Input.NoUrl _ -> "NoUrl"
    | Input.DigestsTaken _ -> "DigestsTaken"
    | Input.Attempted _ -> "Attempted"
    | Input.Woke _ -> "Woke"

/// What came before, what was told, and what that led to.
let private transitionsOf (turns: Turn list) =
    let named =
        comparing turns
        |> List.map (fun (turn, isComparing) -> nameOfInput turn.Input, nameOf turn.Output isComparing)

    let before = "nothing" :: (named |> List.map snd)

    (before, named @ [ "", "" ])
    ||> List.zip
    |> List.filter (fun (_, (input, _)) -> input <> "")

let private words (cell: string) =
    cell.Split ',' |> Array.map _.Trim() |> List.ofArray

/// The rows of the table: what came before, the inputs, and what they lead to.
let private table =
    File.ReadAllLines(Path.Combine(__SOURCE_DIRECTORY__, "..", "..", "..", "src", "Core.fs"))
    |> Array.map _.Trim()
    |> Array.filter _.StartsWith("/// |", StringComparison.Ordinal)
    |> Array.map (fun line -> (line.Substring 4).Trim('|').Split('|') |> Array.map _.Trim())
    |> Array.choose (function
        | [| before; inputs; outputs |] when before <> "After" && before <> "---" ->
            Some(before, words inputs, words outputs)
        | _ -> None)
    |> List.ofArray

/// The outputs that the table allows.
let private allowed (before: string) (input: string) =
    let found =
        table
        |> List.tryPick (fun (row, inputs, outputs) ->
            if row = before && (inputs = [ "any" ] || List.contains input inputs) then
                Some outputs
            else
                None)

    let others =
        table
        |> List.tryPick (fun (row, inputs, outputs) ->
            if (row, inputs) = ("any", [ "any other" ]) then Some outputs else None)

    found |> Option.orElse others |> Option.defaultValue []

/// Pushes whose response reports a digest that was not taken, and what may come of that.
let private compared =
    let crc32C = DigestAlgorithm.Crc32C

    let reporting (digests: Digest list) =
        let digest = digests |> List.find (fun digest -> digest.Algorithm = crc32C)

        Reply.read
            200
            (pairs [ "x-amz-request-id", "R1"; "x-amz-checksum-crc32c", digest.Base64 ])
            ReadOnlyMemory.Empty
            BodyEnd.Whole
            (Some(sentWith []))

    let taken = digestsOf [ DigestAlgorithm.Sha256; crc32C ]
    let url = parsed (v4 3600)

    [
        for change in [ same; within 7_200_000; retrying 3 0 0 ] do
            for reported in [ Outcomes.digests; Outcomes.otherDigests ] do
                for time in [ 2; 3_600_001; 8_000_000 ] do
                    for last in
                        [
                            Input.DigestsTaken(at time, taken)
                            Input.NoSource(at time, Fault.Create(FaultKind.SourceUnreadable, "gone", 0L))
                            Input.Woke(at time)
                        ] do
                        feed (given change) [ started; attempted 1 (reporting reported); last ]

                        feed (asked change) [
                            started
                            Input.UrlGiven(at 0, url)
                            attempted 1 (reporting reported)
                            last
                        ]
    ]

let private observed =
    lazy
        (Seq.concat [
            sample scripts |> Seq.map play
            sample misuse |> Seq.map (fun (plan, _, inputs) -> feed plan inputs)
            compared
         ]
         |> Seq.collect transitionsOf
         |> set)

[<Tests>]
let tests =
    testList "Transitions" [
        testCase "the table allows what the machine does" (fun () ->
            Expect.hasLength table 17 "the table was read"

            let others =
                observed.Value
                |> Set.filter (fun (before, (input, output)) ->
                    not (List.contains output (allowed before input)))

            Expect.isEmpty others "not in the table")

        testCase "the machine does what the table allows" (fun () ->
            let missing = [
                for before, inputs, outputs in table do
                    if before <> "any" then
                        for output in outputs do
                            let isMet (row, (input, led)) =
                                row = before
                                && led = output
                                && (inputs = [ "any" ] || List.contains input inputs)

                            if not (Set.exists isMet observed.Value) then
                                before, inputs, output
            ]

            Expect.equal missing [] "never seen")
    ]
