module CellOS.Export.S3.Core.Tests.ProgressRateTests

open System
open Expecto
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config

/// The bytes that are reported of a body, of the pieces in which it is sent.
let private reported (length: int64) (pieces: int64 list) =
    let step (reported: int64 list, sent: int64) (piece: int64) =
        let sent = min length (sent + piece)

        if ProgressRate.isDue length (List.head reported) sent then
            sent :: reported, sent
        else
            reported, sent

    (([ 0L ], 0L), pieces) ||> List.fold step |> fst |> List.rev

let private bodies =
    gen {
        let! length =
            Gen.oneof [
                Gen.choose (0, 3_000_000)
                Gen.elements [ 262_143; 262_144; 262_145; 26_214_400; 26_214_401 ]
            ]

        let! piece = Gen.elements [ 1_000; 65_536; 262_144; 1_000_000 ]
        return int64 length, List.replicate (length / piece + 1) (int64 piece)
    }

[<Tests>]
let tests =
    testList "The rate of progress" [
        property
            "an attempt has at most 101 reports, and its last byte is one"
            bodies
            (fun (length, pieces) ->
                let reports = reported length pieces
                Expect.isLessThanOrEqual reports.Length 101 "at most"
                Expect.equal (List.last reports) length "all of it"
                Expect.equal reports (List.sort reports |> List.distinct) "each is more than the one before")

        property "no two reports are nearer than a step, except the last" bodies (fun (length, pieces) ->
            for before, after in List.pairwise (reported length pieces) do
                if after < length then
                    Expect.isGreaterThanOrEqual (after - before) (ProgressRate.step length) "a step")

        table
            "a step is a hundredth, and 256 KiB at least"
            [
                0L, 262_144L
                26_214_400L, 262_144L
                26_214_401L, 262_145L
                5_368_709_120L, 53_687_092L
                Int64.MaxValue, 92_233_720_368_547_759L
            ]
            (fst >> ProgressRate.step)
            snd

        testCase "5 GiB in pieces of 64 KiB have 101 reports" (fun () ->
            let length = 5L <<< 30
            Expect.hasLength (reported length (List.replicate 81_920 65_536L)) 101 "with the first")
    ]
