/// What is remembered, left out or read by hand for the sake of speed, against the plain way of doing it.
module CellOS.Export.S3.Core.Tests.ShortcutLaws

open System
open System.Globalization
open System.Security.Cryptography
open System.Text
open System.Threading.Tasks
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.TextGenerators
open CellOS.Export.S3.Core.Tests.UrlGenerators
open CellOS.Export.S3.Core.Tests.PushGenerators
open CellOS.Export.S3.Core.Tests.Stories
open CellOS.Export.S3.Core.Tests.Driver

/// A presigned URL with a path for every artifact, as a template.
let private signedTemplate =
    gen {
        let! planted = presigned

        let! path =
            Gen.elements [ "/{cell_id}/{artifact_name}"; "/{artifact_name}"; "/{cell_id}" ]

        let! inQuery = Gen.elements [ ""; ""; "&a={artifact_name}"; "&c={cell_id}" ]
        return planted, planted.Url.Insert(planted.Url.IndexOf '?', path) + inQuery
    }

let private rendered (text: string) cell artifact =
    let template = Expect.wantOk (UrlTemplate.parse text) text
    UrlTemplate.render cell artifact template

/// Rendered as its documentation has it: each placeholder replaced, differently before and after the `?`.
let private renderedOneByOne (text: string) (cell: CellId) (artifact: ArtifactName) =
    let fill (encode: string -> string) (part: string) =
        part
            .Replace("{cell_id}", encode (CellId.value cell))
            .Replace("{artifact_name}", encode (ArtifactName.value artifact))

    let inPath (value: string) =
        (Uri.EscapeDataString value).Replace("%2F", "/")

    match text.IndexOf '?' with
    | -1 -> fill inPath text
    | i ->
        fill inPath (text.Substring(0, i))
        + fill Uri.EscapeDataString (text.Substring i)

let private dates =
    let digits count =
        Gen.elements [ 0; 1; 2; 9 ]
        |> Gen.listOfLength count
        |> Gen.map (List.map string)

    Gen.oneof [
        gen {
            let! year = Gen.elements [ "0000"; "0001"; "1900"; "2000"; "2024"; "2026"; "9999" ]
            let! month = Gen.elements [ "00"; "01"; "02"; "04"; "12"; "13" ]
            let! day = Gen.elements [ "00"; "01"; "28"; "29"; "30"; "31"; "32" ]
            let! hour = Gen.elements [ "00"; "23"; "24" ]
            let! rest = Gen.elements [ "0000"; "5959"; "6000"; "0060" ]
            return $"{year}{month}{day}T{hour}{rest}Z"
        }
        Gen.elements [
            "20260301t120000Z"
            "20260301T120000z"
            "20260301T120000"
            "20260301T120000Z%00"
            "%2020260301T12000Z"
            "2026030%31T120000%5A"
            "2026 301T120000Z"
            "+2260301T120000Z"
            "٢0260301T120000Z"
        ]
        digits 14
        |> Gen.map (fun digits ->
            String.Concat(List.take 8 digits)
            + "T"
            + String.Concat(List.skip 8 digits)
            + "Z")
    ]

let private signature =
    "8d4f2c97a1e05b36f7c2d9408eb15a63c07f94d2b86e31a5097dcf42e8b1365a"

let private urlOfSignature = (v4 3600).Replace("q1w2e3r4t5y6u7i8", signature)

let private digestOf (text: string) =
    Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes text)).ToLowerInvariant()

/// The signature as a program may encode it.
let private encoded =
    let octets = Encoding.ASCII.GetBytes signature

    let base64 (octets: byte[]) =
        (Convert.ToBase64String octets).TrimEnd '='

    [
        base64 octets
        base64 (Array.append "1"B octets)
        base64 (Array.append "id"B octets)
        (base64 octets).Replace('+', '-').Replace('/', '_')
        base64 (Encoding.Unicode.GetBytes signature)
        base64 (Convert.FromHexString signature)
        base64 (Array.append "i"B (Convert.FromHexString signature))
        "req/" + base64 (Convert.FromHexString signature)
        Convert.ToHexString octets
        "0" + (Convert.ToHexString octets).ToLowerInvariant()
        octets |> Array.map (fun octet -> $"{octet:x2}") |> String.concat ":"
        octets |> Array.map (fun octet -> $"0x{octet:x2}") |> String.concat ":"
        signature[..30] + "." + signature[31..]
        signature[..40]
        signature[20..50]
    ]

/// A secret, and a text that a program may have made of it, of a part of it or of others.
let private spelled =
    let digits = List.ofSeq "0123456789abcdef"
    let letters = List.ofSeq "ABCDEFGHIJKLMNOPQRSTUVWXYZghijklmnopqrstuvwxyz0123456789"

    let word characters (least: int) most =
        gen {
            let! length = Gen.choose (least, most)
            let! chosen = Gen.elements characters |> Gen.listOfLength length
            return String(Array.ofList chosen)
        }

    let octets (text: string) = Encoding.ASCII.GetBytes text

    let base64 (octets: byte[]) =
        (Convert.ToBase64String octets).TrimEnd '='

    gen {
        let! secret =
            Gen.oneof [
                word digits 6 64
                word letters 6 64
                word letters 6 8
                word ([ '+'; '/'; '-' ] @ letters) 8 40
            ]

        let! before = Gen.oneof [ Gen.constant ""; word letters 1 5; word digits 1 5 ]
        let! after = Gen.oneof [ Gen.constant ""; word letters 1 40 ]
        let! cut = Gen.frequency [ 4, Gen.constant 0; 1, Gen.choose (0, 3) ]

        let ofDigits =
            if secret.Length % 2 = 0 && Seq.forall Char.IsAsciiHexDigitLower secret then
                [
                    base64 (Array.append (octets before) (Convert.FromHexString secret))
                    base64 (Array.concat [ Convert.FromHexString secret; octets after ])
                ]
            else
                []

        let! text =
            Gen.elements (
                [
                    secret
                    secret.ToUpperInvariant()
                    secret.Substring(secret.Length / 2)
                    secret.Insert(secret.Length / 2, ".")
                    String.Join("-", secret.ToCharArray())
                    base64 (octets (before + secret + after))
                    (base64 (octets (before + secret))).Replace('+', '-').Replace('/', '_')
                    base64 (Encoding.Unicode.GetBytes(before + secret))
                    base64 (Encoding.BigEndianUnicode.GetBytes secret)
                    Convert.ToHexString(octets (secret + after))
                    (Convert.ToHexString(octets secret)).ToLowerInvariant()
                    after
                ]
                @ ofDigits
            )

        let! quoted = Gen.elements [ false; false; true ]
        let whole = before + text.Substring(0, text.Length - min cut text.Length) + after
        return secret, (if quoted then $"\"{whole}\"" else whole)
    }

[<Tests>]
let tests =
    testList "Shortcuts" [
        propertyTimes
            3000
            "an id in which the whole search finds a secret is not in a receipt"
            spelled
            (fun (secret, id) ->
                if Redaction.known [ secret ] id <> id then
                    let plan = plan (Some((v4 3600).Replace("q1w2e3r4t5y6u7i8", secret))) same
                    let reply = { stored with RequestId = Some id }
                    let shown = (receipt (feed plan [ started; attempted 1 reply ])).RequestId
                    Expect.notEqual shown (Some id) $"{secret} in {id}")

        propertyTimes
            500
            "what is remembered of a template's query is what each of its URLs says"
            (Gen.zip3 signedTemplate cellId artifact)
            (fun ((planted, text), cell, artifact) ->
                let url = rendered text cell artifact
                let anew = parsed (RequestUrl.reveal url)
                Expect.equal (RequestUrl.reveal url) (renderedOneByOne text cell artifact) "the same URL"
                Expect.equal (PresignedUrl.inspect url) (PresignedUrl.inspect anew) "the same findings"
                Expect.equal (RequestUrl.path url) (RequestUrl.path anew) "path"
                Expect.equal (RequestUrl.revealQuery url) (RequestUrl.revealQuery anew) "query"
                Expect.equal (RequestUrl.host url) (RequestUrl.host anew) "host"
                Expect.equal (RequestUrl.withoutQuery url) (RequestUrl.withoutQuery anew) "address"
                Expect.equal (RequestUrl.revealUri url) (RequestUrl.revealUri anew) "Uri"

                for told in RequestUrl.reveal url :: planted.Echoes do
                    let masked (url: RequestUrl) =
                        Fault.Of(url, FaultKind.Network, $"sent {told}.", 0L, None).Detail

                    Expect.equal (masked url) (masked anew) "masked alike"
                    Expect.isEmpty (holds planted.Secrets (masked url)) (masked url))

        propertyTimes 1000 "a date is read as .NET reads it" dates (fun date ->
            let expected =
                match
                    DateTimeOffset.TryParseExact(
                        Uri.UnescapeDataString date,
                        "yyyyMMdd'T'HHmmss'Z'",
                        CultureInfo.InvariantCulture,
                        DateTimeStyles.AssumeUniversal
                    )
                with
                | true, at -> Some at
                | _ -> None

            match RequestUrl.parse $"https://h/p?X-Amz-Date={date}" with
            | Ok url -> Expect.equal (PresignedUrl.inspect url).SignedAt expected date
            | Error _ -> Expect.isTrue (date |> String.exists (fun c -> c > '~' || c = ' ')) date)

        testCase "what encodes the signature is masked in receipts and addresses" (fun () ->
            for id in encoded do
                let reply = {
                    stored with
                        RequestId = Some id
                        HostId = Some id
                        VersionId = Some id
                }

                let turns = feed (plan (Some urlOfSignature) same) [ started; attempted 1 reply ]
                let receipt = receipt turns

                for shown in [ receipt.RequestId; receipt.HostId; receipt.VersionId ] do
                    Expect.isFalse (Option.contains id shown) $"{id}: {shown}"

                for path in [ id; id + "/x"; "x/" + id; "a.b/" + id + ".txt" ] do
                    let url = parsed $"https://h/k/{path}?X-Amz-Signature={signature}"
                    Expect.isFalse ((RequestUrl.withoutQuery url).Contains id) path)

        testCase "other Base64 and digits stay in receipts and addresses" (fun () ->
            for other in [ digestOf "a"; digestOf "b"; digestOf "c" ] do
                let id = Convert.ToBase64String(Convert.FromHexString other)

                let reply = {
                    stored with
                        RequestId = Some id
                        HostId = Some other
                }

                let turns = feed (plan (Some urlOfSignature) same) [ started; attempted 1 reply ]
                let receipt = receipt turns
                Expect.equal (receipt.RequestId, receipt.HostId) (Some id, Some other) "ids"
                let url = parsed $"https://h/k/{other}/x?X-Amz-Signature={signature}"
                Expect.stringContains (RequestUrl.withoutQuery url) other "address")

        testCase "whoever asks for a URL's Uri, in whatever thread, gets the same one" (fun () ->
            for _ in 1..200 do
                let url = parsed "https://evidence.s3.us-west-2.amazonaws.com/a/../b?x=1"
                let uris = Array.zeroCreate<Uri> 8

                Parallel.For(0, uris.Length, (fun i -> uris[i] <- RequestUrl.revealUri url))
                |> ignore

                Expect.all uris (fun uri -> obj.ReferenceEquals(uri, uris[0])) "the same object")
    ]
