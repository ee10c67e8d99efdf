module CellOS.Export.S3.Core.Tests.AttemptReportTests

open System
open Expecto
open Microsoft.FSharp.Reflection
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.Config

let private sent = Outcomes.whole 3L

let private replied (status: int) =
    Outcome.Replied {
        Reply.Of status with
            Sent = Some sent
    }

let private fault kind =
    Outcome.NotSent(Fault.Create(kind, "oh", 0L))

let private secret =
    "5ec7e75164a7u7e0000000000000000000000000000000000000000000000000"

/// The state of a push that has asked for its first attempt.
let private putting =
    let url =
        match UrlTemplate.parse $"https://h/c/a?X-Amz-Signature={secret}" with
        | Ok url -> url
        | Error refusal -> failtest (string refusal)

    let plan =
        match CellId.create "c", Bucket.create "bucket", ArtifactName.create "a" with
        | Ok cell, Ok bucket, Ok artifact -> PushPlan.create (Target.create cell bucket (Some url)) artifact
        | _ -> failtest "names"

    match plan with
    | Ok plan ->
        let struct (state, output) =
            Push.step (Push.create plan) (Input.Started(DateTimeOffset.UnixEpoch, 3L))

        Expect.isTrue output.IsPut "an attempt"
        state
    | Error refusal -> failtest refusal.Message

[<Tests>]
let tests =
    testList "AttemptReport" [
        testCase "calls every kind of fault by its name" (fun () ->
            for case in FSharpType.GetUnionCases typeof<FaultKind> do
                let kind = unbox<FaultKind>(FSharpValue.MakeUnion(case, [||]))
                Expect.equal (ErrorType.ofFault kind) case.Name case.Name
                Expect.equal (ErrorType.ofOutcome (fault kind)) (Some case.Name) "of an outcome")

        testCase "calls a reply that is no success by its status" (fun () ->
            for status, expected in
                [
                    100, Some "100"
                    199, Some "199"
                    200, None
                    204, None
                    299, None
                    300, Some "300"
                    307, Some "307"
                    403, Some "403"
                    503, Some "503"
                    999, Some "999"
                ] do
                Expect.equal (ErrorType.ofOutcome (replied status)) expected $"{status}")

        testCase "calls a success early that came before the end of the body" (fun () ->
            Expect.equal
                (ErrorType.ofOutcome (Outcome.Replied(Reply.Of 200)))
                (Some ErrorType.EarlyReply)
                "early"

            Expect.equal
                (ErrorType.ofOutcome (Outcome.Replied(Reply.Of 403)))
                (Some "403")
                "a refusal may come early")

        testCase "takes ids from the headers, or from the error document" (fun () ->
            let error = {
                Code = "SlowDown"
                Message = None
                RequestId = Some "document"
                HostId = Some "host of the document"
                Region = None
                Endpoint = None
                Details = []
            }

            let report =
                AttemptReport.create putting (Outcome.Replied { Reply.Of 503 with Error = Some error })

            Expect.equal
                report
                {
                    Status = Some 503
                    Code = Some "SlowDown"
                    RequestId = Some "document"
                    HostId = Some "host of the document"
                    ErrorType = Some "503"
                }
                "the document's"

            let report =
                AttemptReport.create
                    putting
                    (Outcome.Replied {
                        Reply.Of 503 with
                            Error = Some error
                            RequestId = Some "header"
                            HostId = Some "host of the header"
                    })

            Expect.equal
                (report.RequestId, report.HostId)
                (Some "header", Some "host of the header")
                "headers first")

        testCase "knows nothing of a reply where there was none" (fun () ->
            Expect.equal
                (AttemptReport.create putting (fault FaultKind.ConnectionReset))
                (AttemptReport.cutShort (Some "ConnectionReset"))
                "the kind alone")

        testCase "masks what a server says of the signature" (fun () ->
            let error = {
                Code = secret
                Message = None
                RequestId = None
                HostId = None
                Region = None
                Endpoint = None
                Details = []
            }

            let report =
                AttemptReport.create
                    putting
                    (Outcome.Replied {
                        Reply.Of 400 with
                            Error = Some error
                            RequestId = Some $"id {secret}"
                            HostId = Some $"{secret} host"
                    })

            for text in [ report.Code; report.RequestId; report.HostId ] do
                Expect.isFalse ((Expect.wantSome text "a text").Contains secret) "masked")
    ]
