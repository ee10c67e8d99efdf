/// Secrets that something cuts: a limit on a server's text, or the server itself.
module CellOS.Export.S3.Core.Tests.CutSecretTests

open System
open System.Text
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.Decoding
open CellOS.Export.S3.Core.Tests.PushGenerators
open CellOS.Export.S3.Core.Tests.Stories
open CellOS.Export.S3.Core.Tests.Driver

/// Every part of six characters.
let private parts (secrets: string list) =
    secrets
    |> List.collect (fun secret -> [ for i in 0 .. secret.Length - 6 -> secret.Substring(i, 6) ])

/// A URL of any store, and a text that echoes one of its secrets in any spelling; both pieces that a cut makes of it.
let private cuts =
    gen {
        let! planted = Urls.ofAnyStore
        let! value = Gen.elements planted.Echoes
        let! spelled = Texts.spelled value
        let! before = Gen.elements [ "see "; ""; "bad signature: "; "\"" ]
        let! after = Gen.elements [ " there"; ""; "\"." ]
        let text = before + spelled + after
        let! at = Gen.choose (0, text.Length)
        let! ellipsis = Gen.elements [ ""; ""; "…"; "..." ]
        return planted, [ text.Substring(0, at) + ellipsis; ellipsis + text.Substring at ]
    }

let private secret =
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

let private shows (text: string) = Redaction.known [ secret ] text

[<Tests>]
let tests =
    testList "Secrets that something cuts" [
        propertyTimes
            1500
            "no part of a secret of six characters is shown, wherever a text is cut"
            cuts
            (fun (planted, pieces) ->
                let secrets = Redaction.secretsOf planted.Url

                for piece in pieces do
                    let shown = Redaction.known secrets piece
                    Expect.isEmpty (readable (parts planted.Secrets) shown) $"{piece} → {shown}")

        testCase "a part of 16 letters is not a word" (fun () ->
            let letters = "LthCbbXKOTwuYafpeki"
            let shows (secret: string) (text: string) = Redaction.known [ secret ] text
            Expect.equal (shows $"{secret}/{letters}" $"…{letters}\".") "…REDACTED\"." "the end"
            Expect.equal (shows $"{letters}/{secret}" $"no {letters}…") "no REDACTED…" "the beginning"

            Expect.equal
                (shows $"{letters}/{secret}" $"no {letters} there")
                "no REDACTED there"
                "within a text"

            Expect.equal (shows $"{secret}/request" "…request is wrong") "…request is wrong" "a word")

        table
            "the beginning of a secret is masked where a text ends, from six characters on"
            [
                for length in [ 6; 8; 12; 40; 63 ] do
                    let head = secret.Substring(0, length)
                    $"bad {head}", "bad REDACTED"
                    $"bad {head}…", "bad REDACTED…"
                    $"bad {head}... is what came", "bad REDACTED... is what came"
                    $"bad {head}%%3", "bad REDACTED"
                    $"bad {head}\\u00", "bad REDACTED"
                    $"bad {head}&#x3", "bad REDACTED"
            ]
            (fst >> shows)
            snd

        table
            "the end of a secret is masked where a text begins, from six characters on"
            [
                for length in [ 6; 8; 12; 40; 63 ] do
                    let tail = secret.Substring(64 - length)
                    $"{tail} is bad", "REDACTED is bad"
                    $"…{tail} is bad", "…REDACTED is bad"
                    $"it is ...{tail}", "it is ...REDACTED"
                    // Of a secret that lacks its first characters, an escape may have taken them.
                    if length < 59 then
                        $"3;{tail} is bad", "REDACTED is bad"
            ]
            (fst >> shows)
            snd

        testCase
            "a secret with a '=' before two digits is masked where quoted-printable spells a part of it"
            (fun () ->
                let secrets =
                    Redaction.secretsOf
                        "https://h/p?X-Amz-Security-Token=gtHZyOimxsan1S1W6j0DM6nSJ2UYXMYS%3Dc767NtthJvFa3NcUIAEiBNzg3F51l9"

                for text in
                    [
                        "gtHZyOimxsan1S1W6j0DM6nSJ2UYXMYS%3D=63767NtthJvFa3N..."
                        "gtHZyOimxsan1S1W6j0DM6nSJ2UYXMYS=3D=63767NtthJvFa3N"
                        "gtHZyOimxsan=31S1W6j0DM6nSJ2UYXMYS=c767=4EtthJvFa3N…"
                        "gtHZyOimxsan=31S1W6j0DM6nSJ2UYXMYS%3D=63767NtthJvFa3NcUIAEiBNzg3F51l9 is bad"
                    ] do
                    let shown = Redaction.known secrets text
                    Expect.isFalse (shown.Contains "tthJvFa3") shown)

        testCase "other text stays" (fun () ->
            for text in [ "bad 9f86d"; "00a08 is bad"; "bad d081884c7d6 here"; "..."; "…" ] do
                Expect.equal (shows text) text text)

        testCase "words at the end of a credential's scope stay" (fun () ->
            let secrets =
                Redaction.secretsOf
                    "https://h/p?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE/20260301/us-west-2/s3/aws4_request&ct=application/json;x=1"

            for text in [ "Request has expired"; "the type is application"; "us-west-2" ] do
                Expect.equal (Redaction.known secrets text) text text)

        testCase "a body that is cut through a secret shows no part of it" (fun () ->
            let url = $"https://h/k?X-Amz-Signature={secret}"

            for limit in [ 2048; S3Error.MaxBytes ] do
                for visible in 1..63 do
                    let text = String('x', limit - visible - 1) + " " + secret + " and more"

                    let body =
                        Encoding.UTF8.GetBytes(text.Substring(0, min text.Length S3Error.MaxBytes))

                    let reply = {
                        Reply.read
                            403
                            [ Collections.Generic.KeyValuePair("Content-Type", "text/plain") ]
                            (ReadOnlyMemory body)
                            (if text.Length > S3Error.MaxBytes then BodyEnd.TooLong else BodyEnd.Whole)
                            None with
                            Sent = Some sent
                    }

                    let turns =
                        feed
                            (plan (Some url) (fun target -> {
                                retrying 1 0 0 target with
                                    KeyCheck = false
                            }))
                            [ started; attempted 0 reply ]

                    for shown in List.collect renderings turns do
                        Expect.isEmpty (readable (parts [ secret ]) shown) shown)

        testCase
            "a push that waits for digests of a success shows nothing that the response echoes"
            (fun () ->
                let reply = {
                    Reply.read
                        200
                        [
                            Collections.Generic.KeyValuePair("x-amz-request-id", secret)
                            Collections.Generic.KeyValuePair(
                                "x-amz-checksum-sha1",
                                Convert.ToBase64String(Array.zeroCreate 20)
                            )
                        ]
                        ReadOnlyMemory.Empty
                        BodyEnd.Whole
                        None with
                        Sent = Some(sentWith [ DigestAlgorithm.Md5 ])
                }

                let turns =
                    feed
                        (plan (Some $"https://h/k?X-Amz-Signature={secret}") (fun target -> {
                            target with
                                KeyCheck = false
                        }))
                        [ started; attempted 0 reply ]

                Expect.isTrue (List.last turns).Output.IsTakeDigests "the digest that was reported is taken"
                Expect.isEmpty (readable (parts [ secret ]) (string (List.last turns).State)) "the state")
    ]
