module Cli.Tests.ProgressTests

open System
open System.IO
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3.Cli.Progress
open Expecto
open Spectre.Console

/// A clock that stands still until it is moved.
type private Clock() =
    inherit TimeProvider()
    let mutable ticks = 0L
    member _.Move(seconds: float) = ticks <- ticks + int64 (seconds * 1e7)
    override _.TimestampFrequency = 10_000_000L
    override _.GetTimestamp() = ticks
    override _.GetUtcNow() = DateTimeOffset.UnixEpoch.AddTicks ticks

let private lines quiet (act: IPushDisplay -> unit) =
    task {
        use error = new StringWriter()
        let display = LineDisplay(error, Clock(), quiet)
        act display
        do! (display :> IAsyncDisposable).DisposeAsync()
        do! (display :> IAsyncDisposable).DisposeAsync()
        return error.ToString().TrimEnd().Split '\n' |> Array.map _.TrimEnd() |> List.ofArray
    }

let private someOfEach (display: IPushDisplay) =
    display.Started(4, 3000L)
    display.Note "a note"
    display.BytesMoved("a", 1, 10L, 1000L)
    display.Exported("a", 1000L)
    display.Skipped("b", 1000L)
    display.Failed("c", "no\nluck \027[2J")

let private terminal (width: int) (writer: TextWriter) =
    let console = TerminalDisplay.Open(writer, false)
    console.Profile.Width <- width
    console.Profile.Height <- 10
    console

/// The surroundings that some words describe.
let private surroundings (words: string) =
    let has (word: string) = Array.contains word (words.Split ' ')

    Surroundings(
        has "quiet",
        has "json",
        has "output",
        has "error",
        (if has "no-term" then null
         elif has "dumb" then "dumb"
         else "xterm"),
        (if has "no-color" then "1" else "")
    )

[<Tests>]
let tests =
    testList "the progress" [
        testCaseTask "what was refused before it started is not summed up" (fun () ->
            task {
                let! plain = lines false (fun display -> display.Note "a note")
                Expect.equal plain [ "a note" ] "no figures"
                use writer = new StringWriter()
                let display = TerminalDisplay(terminal 80 writer, Clock())
                do! (display :> IAsyncDisposable).DisposeAsync()
                Expect.isFalse (writer.ToString().Contains "exported") "nor on a terminal"
            })

        testCase "display and results are chosen by the streams and the environment" (fun () ->
            for given, display, results in
                [
                    surroundings "error", DisplayKind.Terminal, ResultsKind.Json
                    surroundings "error no-color", DisplayKind.ColourlessTerminal, ResultsKind.Json
                    surroundings "error dumb", DisplayKind.Lines, ResultsKind.Json
                    surroundings "error no-term", DisplayKind.Lines, ResultsKind.Json
                    surroundings "", DisplayKind.Lines, ResultsKind.Json
                    surroundings "quiet error", DisplayKind.Quiet, ResultsKind.Json
                    surroundings "quiet", DisplayKind.Quiet, ResultsKind.Json
                    // Both on one terminal: no JSON unless asked for, and then no bars.
                    surroundings "output error", DisplayKind.Terminal, ResultsKind.None
                    surroundings "output error dumb", DisplayKind.Lines, ResultsKind.None
                    surroundings "output error json", DisplayKind.Lines, ResultsKind.Json
                    surroundings "output error json quiet", DisplayKind.Quiet, ResultsKind.Json
                    surroundings "output error quiet", DisplayKind.Quiet, ResultsKind.Lines
                    surroundings "output", DisplayKind.Lines, ResultsKind.Lines
                    surroundings "output json", DisplayKind.Lines, ResultsKind.Json
                ] do
                Expect.equal (PushDisplay.Choose given) (PushDisplay(display, results)) $"{given}")

        testCaseTask "lines: one for each that ended, and a sum" (fun () ->
            task {
                let! written = lines false someOfEach

                Expect.equal
                    written
                    [
                        "a note"
                        "exported a (1000 B)"
                        "skipped b: it has a receipt"
                        "failed c: no\\u000Aluck \\u001B[2J"
                        "1 exported (1000 B), 1 skipped, 1 failed, 1 not ended of 4 in 0 s"
                    ]
                    "nothing for each byte"
            })

        testCaseTask
            "lines: names of files and headers with the word of a credential in them are shown"
            (fun () ->
                task {
                    let! written =
                        lines false (fun display ->
                            display.Exported("sha256sums.sig", 5L)
                            display.Skipped("api-token", 5L)

                            display.Failed(
                                "credential",
                                "it does not cover 'x-amz-meta-token': S3 answers 403"
                            )

                            display.Note "'a.sig': 5 lines")

                    Expect.equal
                        written
                        [
                            "exported sha256sums.sig (5 B)"
                            "skipped api-token: it has a receipt"
                            "failed credential: it does not cover 'x-amz-meta-token': S3 answers 403"
                            "'a.sig': 5 lines"
                        ]
                        "as they are"
                })

        testCaseTask "quiet: failures and notes" (fun () ->
            task {
                let! written = lines true someOfEach

                Expect.equal
                    written
                    [ "a note"; "failed c: no\\u000Aluck \\u001B[2J" ]
                    "what the operator has to know"
            })

        testCaseTask "lines of many threads stay whole" (fun () ->
            task {
                let! written =
                    lines false (fun display ->
                        display.Started(400, 400L)

                        Parallel.For(0, 400, (fun number -> display.Exported($"artifact-{number}", 1L)))
                        |> ignore)

                Expect.hasLength written 401 "each one, and the sum"
                Expect.equal (List.last written) "400 exported (400 B) of 400 in 0 s" "the sum"

                Expect.all
                    (written |> List.take 400)
                    (fun line -> line.StartsWith "exported artifact-" && line.EndsWith "(1 B)")
                    "whole"
            })

        testCase "the board counts what was moved, and how fast" (fun () ->
            let clock = Clock()
            let board = PushBoard clock
            board.Started(4, 4000L)
            let first = board.Look()

            Expect.equal
                (first.Fraction, first.Rate, first.TimeLeft)
                (0., Nullable(), Nullable())
                "nothing yet"

            clock.Move 2.
            board.BytesMoved("a", 1, 250L, 1000L)
            board.BytesMoved("b", 2, 250L, 1000L)
            let early = board.Look()
            Expect.equal (early.Rate, early.TimeLeft) (Nullable(), Nullable()) "too early for an estimate"

            clock.Move 3.
            board.BytesMoved("a", 1, 500L, 1000L)
            board.BytesMoved("b", 2, 500L, 1000L)
            let second = board.Look()
            Expect.equal second.BytesBehind 1000L "both"
            Expect.equal second.Rate (Nullable 200.) "bytes a second"
            Expect.equal second.TimeLeft (Nullable(TimeSpan.FromSeconds 15.)) "3000 to go"

            Expect.equal
                [ for running in second.Running -> running.Name, running.Attempt ]
                [ "a", 1; "b", 2 ]
                "under way"

            board.Exported("a", 1000L)
            board.Skipped("c", 1000L)
            board.Failed "b"
            board.BytesMoved("b", 1, 1000L, 1000L)
            let third = board.Look()
            Expect.isEmpty third.Running "none, though a report came late"

            Expect.equal
                (third.Bytes, third.BytesBehind)
                (2000L, 1000L)
                "what is skipped or failed is not to be moved"

            Expect.equal third.Fraction 0.5 "half of it"
            Expect.equal third.Ended 3 "ended")

        testCase
            "an artifact that waits for a retry shows the reason and the time left, and no bytes"
            (fun () ->
                let clock = Clock()
                let board = PushBoard clock
                board.Started(1, 1000L)
                board.BytesMoved("a", 1, 1000L, 1000L)
                let until = (clock :> TimeProvider).GetUtcNow().AddSeconds 1.5
                board.Waits("a", 2, 1000L, ExportRetryWait("503 SlowDown", until))
                let state = board.Look()
                Expect.equal (state.BytesBehind, state.Fraction) (0L, 0.) "they are to be sent again"
                use writer = new StringWriter()
                (terminal 100 writer).Write(PushView.Draw(state, 100, 10, true))
                Expect.stringContains (writer.ToString()) "503 SlowDown, again in 1.5 s" "the wait"
                Expect.isFalse (writer.ToString().Contains "left") "no estimate"
                board.BytesMoved("a", 2, 1000L, 1000L)
                (terminal 100 writer).Write(PushView.Draw(board.Look(), 100, 10, true))

                Expect.stringContains
                    (writer.ToString())
                    "1000 B sent, awaiting response, attempt 2"
                    "the response"

                for seconds, shown in
                    [ -1., "0.0 s"; 0.04, "0.0 s"; 9.94, "9.9 s"; 12.3, "12 s"; 75., "1:15 min" ] do
                    Expect.equal
                        (Amounts.Again(
                            ExportRetryWait("x", DateTimeOffset.UnixEpoch.AddSeconds seconds),
                            DateTimeOffset.UnixEpoch
                        ))
                        $"x, again in {shown}"
                        shown)

        testCase "nothing to move is all moved" (fun () ->
            let board = PushBoard(Clock())
            Expect.equal (board.Look().Fraction) 1. "no artifact"
            board.Started(2, 0L)
            Expect.equal (board.Look().Fraction) 0. "two empty ones"
            board.Exported("a", 0L)
            Expect.equal (board.Look().Fraction) 0.5 "one of them")

        testCase "amounts that are too much together are as much as there can be" (fun () ->
            for amounts, sum in
                [
                    [], 0L
                    [ 1L; 2L ], 3L
                    [ 7L <<< 60; 7L <<< 60 ], Int64.MaxValue
                    [ Int64.MaxValue; Int64.MaxValue; 1L ], Int64.MaxValue
                ] do
                Expect.equal (Amounts.Sum amounts) sum $"%A{amounts}"

            let board = PushBoard(Clock())
            board.Started(2, Amounts.Sum [ 7L <<< 60; 7L <<< 60 ])

            for name in [ "a"; "b" ] do
                board.BytesMoved(name, 1, 7L <<< 60, 7L <<< 60)

            Expect.equal (board.Look().Fraction) 1. "all of it"
            List.iter board.Failed [ "a"; "b" ]
            Expect.equal (board.Look().Fraction) 1. "all have ended"
            Expect.stringContains (board.Look().Summary) "2 failed of 2" "the sum")

        testCase "amounts are for people" (fun () ->
            for bytes, shown in
                [
                    0L, "0 B"
                    1023L, "1023 B"
                    1024L, "1.0 KiB"
                    1536L, "1.5 KiB"
                    1048575L, "1.0 MiB"
                    5368709120L, "5.0 GiB"
                    Int64.MaxValue, "8.0 EiB"
                ] do
                Expect.equal (Amounts.Bytes bytes) shown shown

            for seconds, shown in
                [
                    -1., "0 s"
                    0.4, "0 s"
                    59.4, "59 s"
                    59.6, "1:00 min"
                    65., "1:05 min"
                    7387., "2:03:07 h"
                ] do
                Expect.equal (Amounts.Time(TimeSpan.FromSeconds seconds)) shown shown)

        testCase "the picture fits the terminal, and no name can draw in it" (fun () ->
            let board = PushBoard(Clock())
            board.Started(20, 20_000L)

            for number in 1..20 do
                board.BytesMoved($"%02d{number}[red]\027[2J" + String.replicate 30 "long/", 1, 500L, 1000L)

            for width in [ 20; 80; 200 ] do
                use writer = new StringWriter()
                let console = terminal width writer
                console.Write(PushView.Draw(board.Look(), width, 10, true))
                let picture = writer.ToString()
                Expect.isLessThan (picture.Split '\n').Length 10 $"at {width}: {picture}"
                Expect.isFalse (picture.Contains "\027[2J") "no escape of a name's"

                if width = 200 then
                    Expect.stringContains picture "01[red]\\u001B[2J" "shown as it is"
                    Expect.stringContains picture "500 B of 1000 B" "and how far it is")

        testCaseTask "the terminal keeps failures and notes, and ends with the sum" (fun () ->
            task {
                use writer = new StringWriter()
                let display = TerminalDisplay(terminal 100 writer, TimeProvider.System)
                someOfEach display
                do! (display :> IAsyncDisposable).DisposeAsync()
                let written = writer.ToString()
                Expect.stringContains written "a note" "the note"
                Expect.stringContains written "failed c: no\\u000Aluck \\u001B[2J" "the failure"

                Expect.stringContains
                    written
                    "1 exported (1000 B), 1 skipped, 1 failed, 1 not ended of 4"
                    "the sum"

                Expect.stringContains written "\027[?25h" "the cursor is shown again"
            })
    ]
