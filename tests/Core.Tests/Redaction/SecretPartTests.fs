/// What a server may echo of a URL besides whole values: parts of them, and tokens in the path.
module CellOS.Export.S3.Core.Tests.SecretPartTests

open System
open Expecto
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.Driver
open CellOS.Export.S3.Core.Tests.PushGenerators
open CellOS.Export.S3.Core.Tests.Stories
open CellOS.Export.S3.Core.Tests.UrlGenerators

let private token = "Zk3PqV9aT7mW2xR8bN5cL1dF6gH4jK0s"

let private echoed (url: string) (text: string) =
    let known = Redaction.known (Redaction.secretsOf url) text
    let fault = Fault.Of(parsed url, FaultKind.Network, text, 0L, None)
    Expect.equal fault.Detail known "a fault shows the same"
    known

let private ok result =
    match result with
    | Ok value -> value
    | Error refusal -> failtestf "%O" (box refusal)

/// A refusal of a push that echoes `text` in its message.
let private refusalOf (url: string) (change: Target -> Target) (text: string) =
    failure (feed (plan (Some url) change) [ started; attempted 0 (error 403 "AccessDenied" text) ])

[<Tests>]
let parts =
    testList "Parts of secrets" [
        table
            "a part of a compound value is masked when a server echoes it alone"
            [
                "X-Amz-Credential=AKIDEXAMPLE7Q%2F20260101%2Fus-east-1%2Fs3%2Faws4_request", "AKIDEXAMPLE7Q"
                "X-Amz-Credential=AKIDEXAMPLE7Q/20260101/us-east-1/s3/aws4_request", "AKIDEXAMPLE7Q"
                "X-Goog-Credential=signer77%40p.iam.gserviceaccount.com%2F20260301%2Fauto%2Fstorage%2Fgoog4_request",
                "signer77"
                "GoogleAccessId=signer77%40p.iam.gserviceaccount.com&Expires=1", "signer77"
                "x=a%3Db%3Bc%3DSECRET", "SECRET"
                "x=a=b;c=SECRET", "SECRET"
                "a=b;c=SECRET", "SECRET"
                "auth=alice:hunter2x", "hunter2x"
                "auth=Bearer%20k3y-of-9a7b", "k3y-of-9a7b"
                "auth=Bearer+k3yof9a7b", "k3yof9a7b"
                "sign=q-sign-algorithm%3Dsha1%26q-ak%3DAKID7Q7Q7Q%26q-signature%3D0a1b2c3d4e5f",
                "0a1b2c3d4e5f"
                "sign=q-sign-algorithm%3Dsha1%26q-ak%3DAKID7Q7Q7Q%26q-signature%3D0a1b2c3d4e5f", "AKID7Q7Q7Q"
                "hdnts=exp=1767225600~acl=/*~hmac=0a1b2c3d4e5f", "0a1b2c3d4e5f"
                "next=https%3A%2F%2Fg.example%2Fp%3Fsig%3D0a1b2c3d4e5f", "0a1b2c3d4e5f"
                "next=https%3A%2F%2Fg.example%2Fp%3Fsig%3Da%252Bz9y8x7w6v5", "z9y8x7w6v5"
                "sig=ab12cd34%2Fef56gh78%3D", "ef56gh78"
                "jwt=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.s1gn4tur3part", "s1gn4tur3part"
                "X-Amz-Security-Token=Zk3PqV9aT7mW2xR8%3DbN5cL1dF6gH4jK0s", "Zk3PqV9aT7mW2xR8"
                "Expires=1?SECRET", "SECRET"
                "x?s3cr3tv4lue", "s3cr3tv4lue"
                "x?secret=s3cr3tv4lue", "s3cr3tv4lue"
                "X-Amz-Date=1?token=s3cr3tv4lue", "s3cr3tv4lue"
            ]
            (fun (query, part) -> echoed $"https://h/p?{query}" $"no '{part}' here")
            (fun _ -> "no 'REDACTED' here")

        testCase "dates, regions and the fixed words of a signature are not masked" (fun () ->
            let url =
                "https://h/p?X-Amz-Credential=AKIDEXAMPLE7Q%2F20260101%2Fus-east-1%2Fs3%2Faws4_request"
                + "&x=20260301T120000Z;2026-03-01;us-gov-west-1;cn-hangzhou;aws4_request;attachment;filename=out.txt"
                + "&y=policy=1;signature=zz99zz99;expires=1767225600"

            for text in
                [
                    "20260101"
                    "us-east-1"
                    "aws4_request"
                    "20260301T120000Z"
                    "2026-03-01"
                    "us-gov-west-1"
                    "cn-hangzhou"
                    "attachment"
                    "The request signature we calculated does not match."
                    "policy"
                    "expires"
                    "1767225600"
                ] do
                Expect.equal (echoed url $"see {text} there") $"see {text} there" text)

        table
            "a URL with a second '?' is shown without what follows it"
            [
                "https://h/a?x?secret=s3cr3t", "https://h/a?x?secret=REDACTED"
                "https://h/a?x?s3cr3t", "https://h/a?REDACTED"
                "https://h/a?Expires=1?s3cr3t", "https://h/a?Expires=REDACTED"
            ]
            (fun (url, _) -> Redaction.url url, Redaction.text $"see {url} there")
            (fun (_, shown) -> shown, $"see {shown} there")

        testCase "a part of a header's value is masked" (fun () ->
            let headers =
                ok (
                    RequestHeaders.create [
                        Collections.Generic.KeyValuePair("X-Gateway", "Key k3yof9a7b5c3")
                    ]
                )

            let failure =
                refusalOf
                    "https://h/cell-1/logs/out.txt?x=1"
                    (fun target -> {
                        target with
                            Headers = headers
                            KeyCheck = false
                    })
                    "no 'k3yof9a7b5c3' here"

            Expect.stringContains failure.Message "no 'REDACTED' here" "the message")

        testCase "the names of a push are never masked, also where a value contains them" (fun () ->
            let failure =
                refusalOf
                    "https://h/p?response-content-disposition=attachment;filename=out.txt&x=logs/out.txt/evidence"
                    (fun target -> { target with KeyCheck = false })
                    "no"

            Expect.stringContains failure.Message "s3://evidence/" "the bucket"
            Expect.stringContains failure.Message "out.txt" "the key")
    ]

[<Tests>]
let pathTokens =
    testList "Tokens in paths" [
        table
            "a segment that looks like a random token is a secret"
            [
                $"https://gw/put/{token}/a.txt", true
                $"https://gw/put/{token}", true
                $"https://gw/put/%%5A{token.Substring 1}/a.txt", true
                "https://gw/4eC39HqLyjWDarjtT1zdp7dc-16C7e42F292z6912E77/a", true
                "https://gw/sk_live_4eC39HqLyjWDarjtT1zdp7dc/a", true
                // Digests, UUIDs, times, names.
                "https://gw/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08/a", false
                "https://gw/sha256-9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08/a", false
                "https://gw/3f2504e0-4f89-11d3-9a0c-0305e82c3301/a", false
                "https://gw/AUTH_0123456789abcdef0123456789abcdef/a", false
                "https://gw/run-20261128T120000Z-integration-tests-batch-12/a", false
                "https://gw/a-long-name-of-an-artifact-in-many-words/a", false
                "https://gw/Zk3PqV9aT7mW2xR8bN5cL1dF6gH4jK0/a", false
            ]
            (fun (url, _) -> not (Redaction.secretsOf url).IsEmpty)
            snd

        testCase "a server's text is shown without the token in the URL's path" (fun () ->
            let url = $"https://gw/put/{token}/cell-1/logs/out.txt"

            let failure =
                refusalOf
                    url
                    (fun target -> { target with KeyCheck = false })
                    $"no such path: /put/{token}/x"

            Expect.stringContains failure.Message "/put/REDACTED/x" "the message"
            Expect.equal (echoed url $"sent {token}.") "sent REDACTED." "a fault")

        testCase "an artifact whose name looks like a token keeps it in the destination" (fun () ->
            let url = $"https://h/evidence/cell-1/logs/{token}"

            let failure =
                refusalOf
                    url
                    (fun target -> {
                        target with
                            KeyCheck = false
                            KeyPrefix = ok (KeyPrefix.create token)
                    })
                    $"no {token}"

            Expect.stringContains failure.Destination token "the destination"
            Expect.stringContains failure.Message $"s3://evidence/{token}/" "the message")
    ]
