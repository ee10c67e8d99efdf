module CellOS.Export.S3.Core.Tests.RedactionTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.TextGenerators
open CellOS.Export.S3.Core.Tests.UrlGenerators

let private secretNames = [
    "X-Amz-Signature"
    "X-Amz-Credential"
    "X-Amz-Security-Token"
    "Signature"
    "AWSAccessKeyId"
    "SignatureProvided"
    "StringToSign"
    "CanonicalRequest"
    "Authorization"
]

let rec private escaped times (text: string) =
    if times = 0 then text else escaped (times - 1) (Uri.EscapeDataString text)

let private json (text: string) =
    System.Text.Json.JsonSerializer.Serialize text

/// Ways in which a name and its value stand in a text.
let private forms (name: string) (value: string) = [
    $"?{name}={value}&a=b"
    $"https://h/p?a=b&{name}={value}"
    $"see {name}={value} in the log"
    $"{name} = {value}"
    $"{name}: {value}"
    $"{name}:{value}\r\nHost: h"
    $"first line\n{name}: {value}\nlast line"
    $"{name}:\n  {value}\n"
    $"<{name}>{value}</{name}>"
    $"<Error>\n  <{name}>\n{value}\n</{name}></Error>"
    $"{{\"{name}\": \"{value}\"}}"
    $"{{'{name}':'{value}'}}"
    $"[{name}, {value}]"
    $"next=https%%3A%%2F%%2Fh%%2Fp%%3Fa%%3Db%%26{name}%%3D{value}%%26c%%3Dd"
    "next=" + escaped 2 $"https://h/p?{name}={value}&c=d"
    "next=" + escaped 3 $"https://h/p?a=b&{name}={value}"
    "next=" + escaped 1 $"{{\"{name}\":\"{value}\"}}"
    json $"https://h/p?a=b&{name}={value}&c=d"
    json $"{{\"{name}\":\"{value}\"}}"
    json (json $"{{\"a\":\"b\",\"{name}\":\"{value}\"}}")
    json $"first line\n{name}: {value}\nlast line"
    $"{name}=%%20{value}"
    $"&amp;{name}={value}&amp;a=b"
]

/// A text with a secret under one of the names that the contract lists.
let private planted =
    gen {
        let! name = Gen.elements secretNames
        let! name = Gen.frequency [ 2, Gen.constant name; 1, mixedCase name ]
        let! value = secret
        let! before = Gen.elements [ ""; "An error: "; "(" ]
        let! form = Gen.elements (forms name value)
        return value, before + form
    }

let private userInfo =
    gen {
        let! password = secret
        let! head = Gen.elements [ "user:"; ""; "u%40x:"; "us%2Fer:%3f%23"; "a@b:" ]
        let! scheme = Gen.elements [ "https"; "http"; "HTTP" ]
        let! tail = Gen.elements [ "@h/p"; "@h"; "@h:80?a=b"; "%2F@h/" ]
        let url = $"{scheme}://{head}{password}{tail}"

        let! form =
            Gen.elements [ url; $"proxy {url} said no"; $"\"{url}\""; $"<a>{url}</a>"; escaped 1 url ]

        return password, form
    }

let private free (secrets: string list) (text: string) =
    Expect.isEmpty (holds secrets text) $"no secret may stay in %A{text}"

let private twice (redact: string -> string) (text: string) =
    let once = redact text
    Expect.equal (redact once) once "a redacted text has nothing left to redact"

[<Tests>]
let tests =
    testList "Redaction" [
        testCase "every form of every name loses its value" (fun () ->
            for name in secretNames do
                for form in forms name "q1w2e3r4t5y6u7i8o9" do
                    free [ "q1w2e3r4t5y6u7i8o9" ] (Redaction.text form))

        propertyTimes 300 "text takes away what stands under a secret name" planted (fun (value, text) ->
            free [ value ] (Redaction.text text))

        propertyTimes 200 "text takes away user info" userInfo (fun (value, text) ->
            free [ value ] (Redaction.text text))

        propertyTimes 200 "url takes away user info" userInfo (fun (value, text) ->
            free [ value ] (Redaction.url text))

        propertyTimes 300 "url takes away every secret of a presigned URL" presigned (fun planted ->
            free planted.Secrets (Redaction.url planted.Url))

        propertyTimes
            300
            "url leaves no secret of a spoilt URL that keeps its query"
            presigned
            (fun planted ->
                let nested = "https://h/?X-Amz-Date=" + planted.Url.Replace("&", ";")
                free planted.Secrets (Redaction.url nested)
                free planted.Secrets (Redaction.url $"https://h/?x%%26{planted.Url.Substring(1)}"))

        propertyTimes
            200
            "known takes away secrets that stand anywhere, in any case and escaping"
            presigned
            (fun planted ->
                let secrets = Redaction.secretsOf planted.Url

                for shown in
                    planted.Url
                    :: (secrets
                        |> List.collect (fun secret -> [
                            $"a{secret}b"
                            secret.ToUpperInvariant()
                            Uri.UnescapeDataString secret
                            Uri.EscapeDataString secret
                        ]))
                    @ planted.Secrets do
                    let text = Redaction.known secrets shown

                    // Halves of a token are no value of their own.
                    if secrets |> List.exists (fun secret -> shown.Contains(secret)) then
                        free planted.Secrets text)

        propertyTimes 300 "all three are total" (Gen.zip anyTextOrNull anyText) (fun (text, secret) ->
            Expect.isFalse (isNull (box (Redaction.text text))) "text"
            Expect.isFalse (isNull (box (Redaction.url text))) "url"
            Expect.isFalse (isNull (box (Redaction.known [ secret ] text))) "known")

        propertyTimes 300 "text is idempotent over anything" anyText (twice Redaction.text)
        propertyTimes 300 "text is idempotent where it masks" (planted |> Gen.map snd) (twice Redaction.text)
        propertyTimes 300 "url is idempotent" (anyUrl |> Gen.map _.Url) (twice Redaction.url)

        propertyTimes 200 "known is idempotent" presigned (fun planted ->
            twice (Redaction.known (Redaction.secretsOf planted.Url)) $"GET {planted.Url} failed")

        property
            "url never gives more than it got, and masks every value that it does not know"
            presigned
            (fun planted ->
                let shown = Redaction.url planted.Url
                Expect.stringContains shown Redaction.Mask "a presigned URL has something to mask"
                let before = planted.Url.IndexOf '?'

                Expect.stringStarts
                    shown
                    (planted.Url.Substring(0, before + 1))
                    "what stands before the query stays")

        testCase "a name without a value does not take the next name for one" (fun () ->
            for text in
                [
                    "X-Amz-Signature= X-Amz-Credential: SECRET"
                    "X-Amz-Signature= Signature=\tX-Amz-Security-Token=SECRET"
                    "Signature:\n\"Signature\": \"SECRET\""
                    "X-Amz-Signature=Signature=SECRET"
                    "Signature= Authorization: AWS4 SECRET x"
                ] do
                let shown = Redaction.text text
                Expect.isFalse (shown.Contains "SECRET") shown

            Expect.equal
                (Redaction.text "X-Amz-Signature=Signature/abc")
                "X-Amz-Signature=REDACTED"
                "a value that only begins like a name")

        testCase "texts without secrets are left alone" (fun () ->
            for text in
                [
                    ""
                    "Access Denied"
                    "The request signature we calculated does not match the signature you provided. Check your key and signing method."
                    "SignatureDoesNotMatch: see the documentation"
                    "Error parsing the X-Amz-Credential parameter; the region 'us-east-1' is wrong; expecting 'us-west-2'"
                    "https://h/p?X-Amz-Date=20260301T120000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host"
                    "user@example.com wrote: 100% of it"
                    "X-Amz-SignedHeaders=host;x-amz-security-token&X-Amz-Expires=5"
                    @"C:\new\temp\u00zz"
                    "signatures=many"
                ] do
                Expect.equal (Redaction.text text) text "nothing to mask")

        table
            "url shows when a URL was signed, and nothing that signs it"
            [
                "https://h/p?X-Amz-Date=1&X-Amz-Signature=s",
                "https://h/p?X-Amz-Date=1&X-Amz-Signature=REDACTED"
                "https://h/p?x-amz-expires=60&foo=s", "https://h/p?x-amz-expires=60&foo=REDACTED"
                "https://h/p?Expires=1&Signature=s&AWSAccessKeyId=k",
                "https://h/p?Expires=1&Signature=REDACTED&AWSAccessKeyId=REDACTED"
                "https://h/p?token", "https://h/p?REDACTED"
                "https://h/p?a=b#secret", "https://h/p?a=REDACTED"
                "https://u:p@h/p", "https://REDACTED@h/p"
                "https://h/p?versionId=3&partNumber=1&x-id=PutObject",
                "https://h/p?versionId=3&partNumber=1&x-id=PutObject"
                "", ""
            ]
            (fst >> Redaction.url)
            snd

        testCase "a header with a scheme loses its credentials, not only the scheme" (fun () ->
            for text in
                [
                    "Authorization: Bearer q1w2e3r4t5y6u7i8o9"
                    "Proxy-Authorization: Basic q1w2e3r4t5y6u7i8o9\r\nHost: h"
                    "Authorization: AWS4-HMAC-SHA256 Credential=q1w2e3r4t5y6u7i8o9/2/s3, SignedHeaders=host, Signature=q1w2e3r4t5y6u7i8o9"
                    "{\"Authorization\": \"AWS q1w2e3r4t5y6u7i8o9:sig\"}"
                ] do
                free [ "q1w2e3r4t5y6u7i8o9" ] (Redaction.text text))

        testCase "known passes over values that are too short to be a secret" (fun () ->
            Expect.equal (Redaction.known [ "abcde"; "" ] "abcde") "abcde" "five characters"
            Expect.equal (Redaction.known [ "abcdef" ] "xABCDEFx") "xREDACTEDx" "six characters"
            Expect.equal (Redaction.known [ "%41%42" ] "CABBAGE") "CABBAGE" "two characters, escaped")

        table
            "secretsOf gives every value that url masks, and the key id of a credential"
            [
                "https://h/p", []
                "https://h/p?X-Amz-Date=1&X-Amz-Signature=s", [ "s" ]
                "https://h/p?X-Amz-Credential=AKIA%2F1%2Fr", [ "AKIA%2F1%2Fr"; "AKIA" ]
                "https://h/p?x-amz-credential=AKIA/1/r&t", [ "AKIA/1/r"; "AKIA" ]
                "https://h/p?%54oken=a", [ "a" ]
            ]
            (fst >> Redaction.secretsOf)
            snd
    ]

let private names = [
    // A text, and how it is shown where a name or a path belongs.
    "", ""
    "logs/stdout.txt", "logs/stdout.txt"
    "what?", "what?"
    "a=b", "a=b"
    "a=b?", "a=b?"
    "100%3F", "100%3F"
    "a&b=c", "a&b=c"
    "s3://bucket/key", "s3://bucket/key"
    "https://gw/put?token=abc", "https://gw/put?REDACTED"
    "https://gw/put?abc", "https://gw/put?REDACTED"
    "https://gw/put#token=abc", "https://gw/put#REDACTED"
    "https://user:abc@gw/put", "https://REDACTED@gw/put"
    "gw/put?token=abc", "gw/put?REDACTED"
    "gw/put%3Ftoken%3Dabc", "gw/put%3FREDACTED"
    "https%253A%252F%252Fgw%252Fput%253Ftoken%253Dabc", "https%253A%252F%252Fgw%252Fput%253FREDACTED"
    @"https:\/\/gw\/put?abc", @"https:\/\/gw\/put?REDACTED"
    "X-Amz-Signature=abc", "X-Amz-Signature=REDACTED"
]

[<Tests>]
let plain =
    testList "Redaction names" [
        table "a name is shown without what may be a query" names (fst >> Redaction.plain) snd

        table "what looks like a URL" (names |> List.map fst) Redaction.looksLikeUrl (fun text ->
            not (List.contains text [ ""; "logs/stdout.txt"; "what?"; "a=b"; "a=b?"; "100%3F"; "a&b=c" ]))

        propertyTimes 300 "a name that was shown is shown the same again" anyText (fun text ->
            let shown = Redaction.plain text
            Expect.equal (Redaction.plain shown) shown "nothing more to mask")
    ]
