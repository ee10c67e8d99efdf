/// Targets of kind `http`: their URLs, tokens, verdicts and words.
module CellOS.Export.S3.Core.Tests.HttpTargetTests

open System
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.Driver
open CellOS.Export.S3.Core.Tests.FailureLengthTests
open CellOS.Export.S3.Core.Tests.Responses
open CellOS.Export.S3.Core.Tests.Stories
open Expecto
open FsCheck.FSharp

let private token = "sekrit.token-1"

let private draft url : HttpTargetDraft = {
    Name = "archive-http"
    CellId = "cell-1"
    BaseUrl = url
    BearerToken = token
    AllowPlaintextToken = false
    RetryMode = RetryMode.Fixed
    MaxAttempts = 1
    Backoff = TimeSpan.Zero
    MaxBackoff = TimeSpan.FromSeconds 20.
    Limits = Limits.defaults
    Integrity = IntegrityMode.Verify
    ExpectContinueFrom = None
    MaxArtifactBytes = 1000L
    Headers = []
}

let private made draft =
    match HttpTarget.check draft with
    | Ok target -> target
    | Error refusals -> failtest (refusals |> List.map _.Message |> String.concat " ")

let private planOf (target: Target) (artifact: string) =
    ArtifactName.create artifact
    |> Result.bind (PushPlan.create target)
    |> Result.defaultWith (fun refusal -> failtest refusal.Message)

let private planAt url =
    planOf (made (draft url)) "logs/out.txt"

let private urlOf (plan: PushPlan) =
    match plan.Url with
    | UrlSource.Given url -> RequestUrl.reveal url
    | UrlSource.Asked -> failtest "no URL"

let private ending (plan: PushPlan) (outcome: Outcome) =
    (List.last (feed plan [ started; Input.Attempted(at 1, 0.5, outcome) ])).Output

let private plain = planAt "https://archive.example/in"

let private problems draft =
    match HttpTarget.check draft with
    | Ok _ -> []
    | Error refusals -> refusals |> List.map _.Message

let private requiring =
    planOf
        (made {
            draft "https://archive.example/in" with
                Integrity = IntegrityMode.Require
        })
        "logs/out.txt"

[<Tests>]
let tests =
    testList "http targets" [
        table
            "the URL of an artifact, and its address"
            [
                "https://h/in", ("https://h/in/cell-1/logs/out.txt", "https://h/in/cell-1/logs/out.txt")
                " https://h/in/ ", ("https://h/in/cell-1/logs/out.txt", "https://h/in/cell-1/logs/out.txt")
                "https://h", ("https://h/cell-1/logs/out.txt", "https://h/cell-1/logs/out.txt")
                "https://h/{artifact_name}", ("https://h/logs/out.txt", "https://h/logs/out.txt")
                "https://h/in?a=1", ("https://h/in?a=1", "https://h/in")
                "https://h/in?n={artifact_name}",
                ("https://h/in?n=logs%2Fout.txt", "https://h/in#cell-1/logs/out.txt")
            ]
            (fun (url, _) ->
                let plan = planAt url
                urlOf plan, Destination.value plan.Destination)
            snd

        propertyTimes
            200
            "two artifacts of a template have two addresses"
            (Gen.zip
                (Gen.zip Names.artifactName Names.artifactName)
                (Gen.elements [ "https://h/in"; "https://h/?n={artifact_name}" ]))
            (fun ((first, second), url) ->
                let target = made (draft url)

                let address artifact =
                    match PushPlan.create target artifact with
                    | Ok plan -> Destination.value plan.Destination
                    | Error refusal -> failtest refusal.Message

                if first <> second then
                    Expect.notEqual (address first) (address second) "")

        table
            "URLs that are rejected"
            [
                ""
                "ftp://h/a"
                "h/a"
                "https://u:p@h/a"
                "https://h/a#b"
                "https://{cell_id}/a"
                "https://h/{x}"
            ]
            (fun url -> List.isEmpty (problems (draft url)))
            (fun _ -> false)

        table
            "where a token may go"
            [
                "https://h/in", false, true
                "http://127.0.0.1:1/in", false, true
                "http://localhost/in", false, true
                "http://[::1]/in", false, true
                "http://h/in", false, false
                "http://10.0.0.1/in", false, false
                "http://h/in", true, true
            ]
            (fun (url, allowed, _) ->
                List.isEmpty (
                    problems {
                        draft url with
                            AllowPlaintextToken = allowed
                    }
                ))
            (fun (_, _, goes) -> goes)

        test "a text that is not a token is rejected, and never quoted" {
            for text in [ "Bearer " + token; token + "\n" + token; "tökén" ] do
                match
                    problems {
                        draft "https://h/in" with
                            BearerToken = text
                    }
                with
                | [ problem ] ->
                    Expect.stringContains problem "bearer token" "what"
                    Expect.isFalse (problem.Contains token) "never quoted"
                | other -> failtestf "%A" other
        }

        test "the token goes as Authorization, and no text shows it" {
            let target = made (draft "https://h/in")
            let header = target.Headers |> List.exactlyOne
            Expect.equal (RequestHeader.reveal header) ("Bearer " + token) "the value"
            Expect.isFalse ((string header).Contains token) "masked"
            Expect.isFalse ((string (draft "https://h/in")).Contains token) "the draft"
            Expect.isFalse ((string target).Contains token) "the target"
        }

        test "no failure repeats a token that the server echoes" {
            for said in [ token; "Bearer " + token; Uri.EscapeDataString("Bearer " + token) ] do
                for outcome in
                    [
                        Outcome.Replied(response 401 [ "Server", said ] $"you sent {said}!")
                        Outcome.Replied(page 403 said said)
                        Outcome.NotSent(Fault.Create(FaultKind.Network, $"header {said} is bad", 0L))
                    ] do
                    match ending plain outcome with
                    | Output.Failed failure -> Expect.isFalse (failure.Message.Contains token) failure.Message
                    | output -> failtestf "%A" output
        }

        test "any success counts, and its receipt says what is confirmed" {
            for status in [ 200; 201; 202; 204; 207; 226 ] do
                for reply in
                    [
                        response status [] ""
                        response status [ "Content-Type", "text/html" ] "<html><body>thanks</body></html>"
                        response status [ "Content-Type", "application/json" ] """{"ok":true}"""
                        response status [ "ETag", "\"00000000000000000000000000000000\"" ] ""
                        response status [ "Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg==" ] ""
                        response
                            status
                            [ "Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA=="; "Content-Type", "text/plain" ]
                            "stored"
                    ] do
                    match ending plain (Outcome.Replied reply) with
                    | Output.Done receipt ->
                        Expect.equal receipt.Integrity "unverified" "nothing confirms it"
                        Expect.equal receipt.TargetKind "http" "the kind"

                        Expect.equal
                            receipt.Destination
                            "https://archive.example/in/cell-1/logs/out.txt"
                            "the address"

                        Expect.isTrue receipt.DestinationChecked "it went there"
                        Expect.isNone receipt.Region "no region"
                    | output -> failtestf "%A: %A" reply output
        }

        test "a digest in the response confirms the content" {
            let sha256 = sent.Sha256.Base64

            for header, value, word in
                [
                    "Repr-Digest", $"sha-256=:{sha256}:", "checksum-sha256"
                    "Content-Digest", $"sha-256=:{sha256}:", "checksum-sha256"
                ] do
                match ending requiring (Outcome.Replied(response 201 [ header, value ] "")) with
                | Output.Done receipt -> Expect.equal receipt.Integrity word header
                | output -> failtestf "%s: %A" header output

            match sent.Others |> List.tryFind _.Algorithm.IsMd5 with
            | Some md5 ->
                match ending requiring (Outcome.Replied(response 204 [ "Content-MD5", md5.Base64 ] "")) with
                | Output.Done receipt -> Expect.equal receipt.Integrity "content-md5" "MD5"
                | output -> failtestf "%A" output
            | None -> failtest "no MD5 among those that were taken"
        }

        test "a digest of other bytes fails the push, and so does a missing one where it is required" {
            let zeros = Convert.ToBase64String(Array.zeroCreate<byte> 32)

            match ending plain (Outcome.Replied(response 201 [ "Repr-Digest", $"sha-256=:{zeros}:" ] "")) with
            | Output.Failed failure -> Expect.equal failure.Kind FailureKind.IntegrityMismatch failure.Message
            | output -> failtestf "%A" output

            match ending requiring (Outcome.Replied(response 201 [] "")) with
            | Output.Failed failure -> Expect.equal failure.Kind FailureKind.Unverified failure.Message
            | output -> failtestf "%A" output
        }

        test "a success that came before the whole body was sent does not count" {
            match ending plain (Outcome.Replied { Reply.Of 200 with Sent = None }) with
            | Output.Failed failure -> Expect.equal failure.Kind FailureKind.Unreachable failure.Message
            | output -> failtestf "%A" output
        }

        test "a rejected token is a refusal, whatever the server says of expiry" {
            match ending plain (Outcome.Replied(response 401 [] "the token has expired")) with
            | Output.Failed failure ->
                Expect.equal failure.Kind FailureKind.Refused failure.Message

                Expect.stringContains
                    failure.Message
                    "CELLOS_EXPORT_HTTP_BEARER_TOKEN__ARCHIVE_HTTP"
                    "the setting"
            | output -> failtestf "%A" output
        }

        test "messages speak of HTTP, not of a store, and are 45 words of the core's own at most" {
            let waiting =
                planOf
                    (made {
                        draft "https://archive.example/in" with
                            MaxAttempts = 3
                            Backoff = TimeSpan.FromSeconds 100.
                            MaxBackoff = TimeSpan.FromSeconds 100.
                            Limits = {
                                Limits.defaults with
                                    Deadline = Some(TimeSpan.FromSeconds 5.)
                            }
                    })
                    "logs/out.txt"

            let words = [ "S3"; "bucket"; "presign"; "the store"; "object"; "signature" ]

            let wrong = [
                for plan in [ plain; requiring; waiting ] do
                    for outcome in outcomes do
                        match ending plan outcome with
                        | Output.Failed failure ->
                            // What the server says is quoted.
                            let own =
                                Text.RegularExpressions.Regex.Replace(
                                    failure.Message,
                                    @"HTTP \d+(?: [A-Z][\w.]+)?(?: \(""[^""]*""[^)]*\))?|\(""[^""]*""[^)]*\)",
                                    ""
                                )

                            for word in words do
                                if own.Contains(word, StringComparison.OrdinalIgnoreCase) then
                                    $"{word}: {failure.Message}"

                            if ownWords failure > 45 then
                                $"{ownWords failure} words: {failure.Message}"
                        | _ -> ()
            ]

            Expect.equal (List.distinct wrong |> List.truncate 10) [] ""
        }
    ]
