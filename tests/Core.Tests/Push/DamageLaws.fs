module CellOS.Export.S3.Core.Tests.DamageLaws

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.PushGenerators
open CellOS.Export.S3.Core.Tests.Driver
open CellOS.Export.S3.Core.Tests.PushRuns

/// Pushes most of whose attempts are successes: of other bytes, confirmed, or neither.
let private anySuccesses: Gen<Run> =
    let ofLength (length: int64) =
        let stored = {
            Reply.Of 200 with
                Sent = Some(Outcomes.whole length)
        }

        let marked = {
            stored with
                RequestId = Some "REQ1"
                HostId = Some "HOST1"
        }

        let wrong = {
            marked with
                ETag = Some(String('0', 32))
        }

        Gen.frequency [
            6, Gen.constant wrong
            9,
            Gen.constant {
                wrong with
                    ServerSideEncryption = Some "aws:kms"
            }
            1, Gen.constant marked
            1, Gen.constant stored
            6,
            Gen.constant {
                marked with
                    ETag = (Outcomes.whole length).Md5
            }
        ]

    gen {
        let! script = scriptsOfOneArtifact
        let! accepts = Gen.elements [ true; false ]

        let! steps =
            script.Steps
            |> Gen.collectToList (fun step ->
                Gen.frequency [
                    5,
                    ofLength script.Length
                    |> Gen.map (fun reply -> {
                        step with
                            Outcome = Outcome.Replied reply
                    })
                    1, Gen.constant step
                ])

        let plan = {
            script.Plan with
                Target = {
                    script.Plan.Target with
                        AcceptUnmarked = accepts
                }
        }

        return
            plan,
            script.Urls,
            play {
                script with
                    Plan = plan
                    Steps = steps
            }
    }

/// Of some of them one whose server reports other bytes before the last attempt; any, if none does.
let private successes =
    let isAgain ((plan, _, turns): Run) =
        differs plan turns
        && (attemptsOf turns).Length > 1
        && not (isDamagedAtLast plan turns)

    anySuccesses
    |> Gen.listOfLength 8
    |> Gen.map (fun runs -> runs |> List.tryFind isAgain |> Option.defaultValue runs.Head)

let private ofSuccesses: Law<Run> list = [
    law
        "after a success of other bytes, only a confirmed upload is a receipt"
        [
            "confirmed",
            fun (plan, _, turns) -> differs plan turns && (ending turns |> Option.exists _.IsDone)
            "not confirmed",
            fun (plan, _, turns) ->
                differs plan turns
                && failsAs [ FailureKind.IntegrityMismatch ] turns
                && not (isDamagedAtLast plan turns)
        ]
        (fun plan turns ->
            match ending turns with
            | Some(Output.Done receipt) when differs plan turns ->
                Expect.notEqual receipt.Integrity Confirmation.Unverified.Name "confirmed"
            | _ -> ())
]

[<Tests>]
let tests =
    testList "Push laws of damage" [ yield! laws "pushes of successes" successes ofSuccesses ]
