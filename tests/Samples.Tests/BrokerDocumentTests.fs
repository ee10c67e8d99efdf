/// The commands of the document of brokers, run as a reader runs them.
module Samples.Tests.BrokerDocumentTests

open System
open System.IO
open System.Text.Json.Nodes
open System.Text.RegularExpressions
open Expecto
open Samples.Tests.Presigning
open Samples.Tests.Script

let private commands =
    let document = File.ReadAllText(Path.Combine(root, "docs", "broker.md"))

    [
        for block in Regex.Matches(document, "(?s)```sh\n(.*?)```") -> block.Groups[1].Value
    ]

/// Links the folders of the clone that the commands name, so that what they write is the test's.
let private cloneIn (folder: Folder) =
    for name in [ "samples"; "src" ] do
        Directory.CreateSymbolicLink(folder.At name, Path.Combine(root, name)) |> ignore

let private hasBoto3 (folder: Folder) =
    task {
        try
            let! python = start folder.Path [] "python3" [ "-c"; "import boto3" ] ""
            return python.Code = 0
        with :? ComponentModel.Win32Exception ->
            return false
    }

[<Tests>]
let tests =
    testList "the document of brokers" [
        testCaseTask "exports through a broker and through a command within its commands" (fun () ->
            task {
                if not (OperatingSystem.IsLinux()) then
                    skiptest "The commands are those of a GNU system"

                use folder = new Folder()
                use! store = startStore ()
                cloneIn folder
                let! hasBoto3 = hasBoto3 folder

                let variables =
                    [
                        "S3_ENDPOINT", store.Endpoint.AbsoluteUri.TrimEnd '/'
                        "S3_REGION", region
                        "S3_BUCKET", "evidence"
                        "AWS_EC2_METADATA_DISABLED", "true"
                    ]
                    @ [
                        for name, value in keys ->
                            name
                                .Replace("AWS_", "S3_")
                                .Replace("_KEY_ID", "_KEY")
                                .Replace("SECRET_ACCESS", "SECRET"),
                            value
                    ]

                let chosen =
                    if hasBoto3 then commands else List.truncate 3 commands @ [ "kill $broker" ]

                Expect.equal commands.Length 4 "token, broker, export, command"

                let script =
                    folder.Write(
                        "commands.sh",
                        "set -eu\ntrap 'kill $broker 2>/dev/null || :' EXIT\nbroker=\n"
                        + String.Join('\n', chosen)
                    )

                let! ran = start folder.Path variables "bash" [ script ] ""
                let log = File.ReadAllText(folder.At "obj/try/broker.log")
                Expect.equal ran.Code 0 $"{ran.Output}{ran.Error}{log}"

                let receipts = [
                    for line in ran.Output.Split '\n' do
                        if line.StartsWith '{' then
                            text [ "destination" ] (nonNull (JsonNode.Parse line))
                ]

                Expect.equal
                    receipts
                    (List.replicate (if hasBoto3 then 2 else 1) "s3://evidence/cell-7/report.txt")
                    ran.Output

                Expect.stringContains ran.Output "probe of target try" "the probe"
                Expect.stringContains log "me got a URL for evidence/cell-7/report.txt" "the broker's log"
            })
    ]
