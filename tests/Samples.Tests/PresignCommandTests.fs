module Samples.Tests.PresignCommandTests

open System
open System.IO
open System.Text.Json.Nodes
open Expecto
open Samples.Tests.Presigning
open Samples.Tests.Script

[<Tests>]
let tests =
    testList "the presign command" [
        testCaseTask "presigns each line in order, and refuses one without ending" (fun () ->
            task {
                use folder = new Folder()
                use! store = startStore ()

                try
                    let! python = start folder.Path [] "python3" [ "-c"; "import boto3" ] ""

                    if python.Code <> 0 then
                        skiptest "boto3 is missing; install python3-boto3"
                with :? ComponentModel.Win32Exception ->
                    skiptest "Python is missing; install python3-boto3"

                let first = requestFor "nightly/7" "cell-7" "a b+c/grün~.txt" "the report"

                let last =
                    [ "sha256"; "md5"; "contentType"; "region" ]
                    |> List.fold
                        (fun request name -> without name request)
                        (requestFor "" "cell-7" "b" "the log")

                let lines = [
                    first.ToJsonString()
                    "not JSON"
                    (withField "version" 2 first).ToJsonString()
                    (without "key" first).ToJsonString()
                    last.ToJsonString()
                ]

                let variables =
                    ("AWS_ENDPOINT_URL_S3", store.Endpoint.AbsoluteUri)
                    :: ("AWS_DEFAULT_REGION", region)
                    :: ("AWS_EC2_METADATA_DISABLED", "true")
                    :: keys

                let! ran =
                    start
                        folder.Path
                        variables
                        "python3"
                        [ Path.Combine(root, "samples", "presign-command", "presign.py") ]
                        (String.Join('\n', lines) + "\n")

                Expect.equal (ran.Code, ran.Error) (0, "") ran.Output

                let responses = [
                    for line in ran.Output.TrimEnd().Split '\n' -> nonNull (JsonNode.Parse line)
                ]

                match responses with
                | [ bound; malformed; version; missing; plain ] ->
                    Expect.equal
                        (text [ "headers"; "x-amz-checksum-sha256" ] bound)
                        (text [ "sha256" ] first)
                        "the header to send"

                    do! isBoundTo "the report" first bound

                    for response, reason in
                        [ malformed, "Expecting value"; version, "version 2"; missing, "'key'" ] do
                        Expect.stringContains (text [ "error"; "message" ] response) reason "why"

                    let! status, page = upload last plain "THE LOG"
                    Expect.equal status 200 page

                    let expires = DateTimeOffset.Parse(text [ "expiresAt" ] plain)
                    Expect.isTrue (expires > DateTimeOffset.UtcNow) "it is valid"
                | other -> failtest $"{other.Length} responses: {ran.Output}"

                let! without =
                    start
                        folder.Path
                        [
                            "AWS_ACCESS_KEY_ID", ""
                            "AWS_SECRET_ACCESS_KEY", ""
                            "AWS_SHARED_CREDENTIALS_FILE", "/nonexistent"
                            "AWS_CONFIG_FILE", "/nonexistent"
                            "AWS_EC2_METADATA_DISABLED", "true"
                        ]
                        "python3"
                        [ Path.Combine(root, "samples", "presign-command", "presign.py") ]
                        (first.ToJsonString() + "\n")

                Expect.stringContains without.Output "set AWS_ACCESS_KEY_ID" "without keys"
            })
    ]
