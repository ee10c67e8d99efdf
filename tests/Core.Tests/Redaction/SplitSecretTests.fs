/// Secrets that a server splits, cuts or puts into another place, and words of people that are not secrets.
module CellOS.Export.S3.Core.Tests.SplitSecretTests

open System
open System.Collections.Generic
open System.Text
open Expecto
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.Decoding
open CellOS.Export.S3.Core.Tests.PushGenerators
open CellOS.Export.S3.Core.Tests.UrlGenerators
open CellOS.Export.S3.Core.Tests.Stories
open CellOS.Export.S3.Core.Tests.Driver

let private signature =
    "9f3ac71be84d2056f1c8a97e3b5d60421e7fa98cd3b04652ce81f09a7d36b5c2"

let private password = "Zq8wLm3nTy5RkP"

/// Every part of six characters.
let private parts (secret: string) = [ for i in 0 .. secret.Length - 6 -> secret.Substring(i, 6) ]

let private showsNoPart (secret: string) (where: string) (shown: string) =
    Expect.isEmpty (readable (parts secret) shown) $"{where}: {shown}"

let private proxyOf (url: string) =
    match Proxy.parse url with
    | Ok proxy -> proxy
    | Error refusal -> failtest refusal.Message

let private proxy = proxyOf $"http://svcUploader77:{password}@p.example:3128"

let private named = [
    "bad Signature: "
    "X-Amz-Signature="
    "\"X-Amz-Signature\":\""
    "PUT http://h/p?X-Amz-Signature="
    "sig="
    "<Signature>"
]

/// A name, the two halves of a secret and what is between them, as the bodies of responses have them: their content types and
/// texts.
let private bodies (name: string) (head: string) (between: string) (tail: string) = [
    let escaped = Security.SecurityElement.Escape name |> nonNull
    let text = $"{escaped}{head}{between}{tail} sorry"
    "application/xml", $"<Error><Code>AccessDenied</Code><Message>{text}</Message></Error>"
    "application/xml", $"<Fault><Text>{text}</Text></Fault>"
    "text/html", $"<html><body>{text}</body></html>"
    "text/plain", $"{name}{head}{between}{tail} sorry"

    if not (between.Contains '<') && not (between.Contains '"') then
        let escaped = Text.Json.JsonSerializer.Serialize(name + head + between + tail)
        "application/json", $"{{\"message\":{escaped}}}"
]

let private betweens = [ " "; "\n"; "\r\n  "; "\" \""; "&lt;wbr&gt;"; "<b/>" ]

let private planOf (headers: RequestHeader list) = {
    plan (Some $"https://h/k?X-Amz-Signature={signature}") (fun target -> {
        retrying 1 0 0 target with
            KeyCheck = false
    }) with
        Headers = headers
}

let private replyOf (contentType: string) (body: string) = {
    Reply.read
        403
        [ KeyValuePair("Content-Type", contentType) ]
        (ReadOnlyMemory(Encoding.UTF8.GetBytes body))
        BodyEnd.Whole
        None with
        Sent = Some sent
}

/// All that is shown of a push that ends with the outcome.
let private shownOf (headers: RequestHeader list) (outcome: Outcome) = [
    for turn in feed (planOf headers) [ started; Input.Attempted(at 0, 0.5, outcome) ] do
        yield! renderings turn
]

let private shows (text: string) = Redaction.known [ signature ] text

[<Tests>]
let halves =
    testList "Halves of secrets" [
        testCase
            "no half of a signature under its name is shown, wherever and by whatever it is split"
            (fun () ->
                for name in named do
                    for place in [ 1; 6; 32; 57; 63 ] do
                        for between in betweens do
                            for contentType, body in
                                bodies
                                    name
                                    (signature.Substring(0, place))
                                    between
                                    (signature.Substring place) do
                                let reply = Outcome.Replied(replyOf contentType body)

                                for outcome in [ reply; Proxy.mask "store.example" reply proxy ] do
                                    for shown in shownOf [] outcome do
                                        showsNoPart signature body shown)

        testCase "no half of a proxy's password under its name is shown" (fun () ->
            for name in [ "password="; "Password: "; "http://svcUploader77:" ] do
                for place in [ 1; 3; 6; 7; 8; 13 ] do
                    for between in betweens do
                        for contentType, body in
                            bodies name (password.Substring(0, place)) between (password.Substring place) do
                            let reply = Outcome.Replied(replyOf contentType body)

                            for shown in shownOf [] (Proxy.mask "store.example" reply proxy) do
                                showsNoPart password body shown)

        testCase "no half of a header's secret under its name is shown" (fun () ->
            let secret = "gwtok-Z9y8X7w6V5u4T3"

            let header =
                match RequestHeader.create "x-gw-token" secret with
                | Ok header -> header
                | Error refusal -> failtest refusal.Message

            for place in [ 1; 6; 10; 14; 19 ] do
                for between in betweens do
                    for contentType, body in
                        bodies "x-gw-token: " (secret.Substring(0, place)) between (secret.Substring place) do
                        for shown in shownOf [ header ] (Outcome.Replied(replyOf contentType body)) do
                            showsNoPart secret body shown)

        testCase "no half of a secret is shown of what the transport quotes" (fun () ->
            let url = parsed $"https://h/k?X-Amz-Signature={signature}"

            for place in [ 1; 6; 8; 32; 58; 63 ] do
                for between in betweens do
                    let text =
                        $"bad status line: 'Signature:{signature.Substring(0, place)}{between}{signature.Substring place}'"

                    let fault =
                        Fault.Of(
                            url,
                            FaultKind.InvalidReply,
                            Proxy.maskText "store.example" text proxy,
                            0L,
                            None
                        )

                    showsNoPart signature text fault.Detail

            for place in 1..13 do
                let text =
                    $"bad status line: 'password={password.Substring(0, place)} {password.Substring place}'"

                let fault =
                    Fault.Of(
                        url,
                        FaultKind.InvalidReply,
                        Proxy.maskText "store.example" text proxy,
                        0L,
                        None
                    )

                showsNoPart password text fault.Detail)

        table
            "the content of an element with the name of a credential is masked as a whole"
            [
                "<a><b>no</b><ns:accessToken x=\"1\">q1w2<i/>e3r4</ns:accessToken> there</a>",
                "no REDACTED there"
                "<a><token>q1w2e3r4", "REDACTED"
                "<a><token/>nothing</a>", "nothing"
                "<a><![CDATA[<token>q1w2e3r4</token> there]]></a>", "REDACTED there"
            ]
            (fst
             >> replyOf "application/xml"
             >> _.Body
             >> Option.map _.VisibleText
             >> Option.defaultValue "none")
            snd

        table
            "a part of a secret is masked beside a mask"
            [
                $"REDACTED{signature.Substring 56} there", "REDACTEDREDACTED there"
                $"no REDACTED {signature.Substring 50}", "no REDACTEDREDACTED"
                $"no {signature.Substring(0, 7)}REDACTED", "no REDACTEDREDACTED"
            ]
            (fst >> shows)
            snd

        testCase "eight characters of a secret are masked before and after any mark of a cut" (fun () ->
            for length in [ 8; 12; 20; 40 ] do
                for mark in
                    [
                        "\\u2026"
                        "%E2%80%A6"
                        "&hellip;"
                        "&amp;hellip;"
                        "⋯"
                        "︙"
                        " . . ."
                        "[...]"
                        "****"
                        ".."
                        "[truncated]"
                        " (truncated)"
                        "___"
                        "---"
                        "•••"
                        "···"
                        "####"
                        "|"
                        "~"
                        "'"
                        "<cut>"
                    ] do
                    let head, tail =
                        signature.Substring(0, length), signature.Substring(signature.Length - length)

                    showsNoPart signature mark (shows $"bad {head}{mark} is wrong")
                    showsNoPart signature mark (shows $"bad {mark}{tail} is wrong")

                    if length >= 12 then
                        showsNoPart signature "x" (shows $"bad {head}xxxxxxxx is wrong")
                        showsNoPart signature "x" (shows $"bad xxxxxxxx{tail} is wrong"))

        testCase "the scope of a credential and words that begin as a secret does stay" (fun () ->
            let secrets =
                Redaction.secretsOf
                    "https://h/p?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE/20260301/us-west-2/s3/aws4_request&x=attachment-for-Q7w8e9r0t1y2"

            for text in
                [
                    "Bucket evidence in us-west-2 via aws4_request 20260301 denied"
                    "us-west-2/s3/aws4_request is wrong"
                    "s3/aws4_request"
                    "wrong is REDACTED/20260301/us-west-2/s3/aws4_request"
                    "…/20260301/us-west-2/s3/aws4_request expected"
                    "20260301/us-west-2/s3"
                    "scope 20260301/us-west-2/s3/aws4_request is wrong"
                    "the attachment is missing"
                    "the attachment-for is missing"
                ] do
                Expect.equal (Redaction.known secrets text) text text)
    ]

/// The message of a push over a SigV4 URL with these parameters that nothing is sent to.
let private unusable (parameters: string) =
    let url =
        $"https://evidence.s3.us-west-2.amazonaws.com/cell-1/logs/out.txt?X-Amz-Date=20260301T120000Z&X-Amz-Expires=3600&{parameters}&X-Amz-Signature=q1w2e3r4t5y6u7i8"

    match (List.last (feed (plan (Some url) same) [ started ])).Output with
    | Output.Failed failure -> failure.Message
    | output -> failtestf "It did not fail: %A" output

[<Tests>]
let places =
    let hex = signature
    let token = "IQoJb3JpZ2luX2VjEKz1wEaCXVzLWVhc3QtMSJHMEUCIQDx7"

    testList "Secrets in the wrong place" [
        testCase "a name of a file that a program made of a presigned URL is refused" (fun () ->
            for name in
                [
                    $"report.txt&X-Amz-Signature={hex}"
                    $"report.txt@X-Amz-Signature={hex}"
                    $"report.txt_X-Amz-Credential=AKIAIOSFODNN7EXAMPLE"
                    $"report.txt;x-goog-signature={hex}"
                    $"a/report.txt-OSSAccessKeyId={hex}"
                    $"p&sig={hex}"
                    $"p@sig={hex}"
                    $"p&a=b&token={hex}.txt"
                    $"sig={hex}"
                    $"r.txt_Signature={hex}"
                    "r.txt_Signature=vjbyPxybdZaNmGa%2ByT272YEAiv4%3D"
                    "x?sig=ab1"
                    "x?a=b&password=ab1"
                    $"report.txt%%26X-Amz-Signature%%3D{hex}"
                ] do
                match ArtifactName.create name with
                | Ok _ -> failtest $"{name} was taken"
                | Error refusal -> showsNoPart signature name refusal.Message)

        testCase "names of files that resemble a parameter are names" (fun () ->
            for name in
                [
                    $"token={hex}.txt"
                    "X-Amz-Signature.txt"
                    "p&sig=1"
                    "X-Amz-Signature=none"
                    "a&b=c"
                    "me@example.com=x"
                    "x=y&z=1234567"
                    "token=abcdef12"
                    "sig=a1"
                    "x,sig=abc"
                    "Signature=2026-report-of-the-final-version.pdf"
                    "x?code=ab1"
                ] do
                match ArtifactName.create name with
                | Error refusal -> failtest refusal.Message
                | Ok artifact ->
                    let named = {
                        plan (Some "https://h/k?x=1") (fun target -> {
                            retrying 1 0 0 target with
                                KeyCheck = false
                        }) with
                            Artifact = artifact
                    }

                    // The receipt shows it as well.
                    let turns = feed named [ started; attempted 0 (error 403 "AccessDenied" "no") ]

                    Expect.stringContains
                        (failure turns).Message
                        ("'" + name.Substring(0, min 60 name.Length))
                        "a message"

                    Expect.equal (Shown.artifact name) name "a label")

        testCase "a pasted query is masked from its first credential to its end" (fun () ->
            let query =
                $"X-Amz-Credential=AKIAIOSFODNN7EXAMPLE&X-Amz-Signature={hex.Substring(0, 32)}\n{hex.Substring 32}"

            for text in [ query; "/folder/" + query; "--" + query; query + "?x=1"; query + "#x" ] do
                for shown in
                    [
                        Redaction.plain text
                        Shown.name text
                        Shown.short 40 text
                        Shown.short 400 text
                    ] do
                    showsNoPart signature text shown
                    Expect.isFalse (shown.Contains "AKIA") shown

            Expect.equal
                (Redaction.plain "/f/X-Amz-Signature=abc\ndef?x=1")
                "/f/X-Amz-Signature=REDACTED"
                "what follows the value is masked")

        testCase "a list of signed headers with a token in it is masked" (fun () ->
            for list in
                [
                    $"host;{token}"
                    $"host;x-{hex}"
                    $"host;{hex}"
                    "host;AKIAQX7ZR4WNTB9KVM2P"
                    "host;a b"
                ] do
                let url = $"https://h/k?X-Amz-SignedHeaders={list}&X-Amz-Expires=60"

                Expect.equal
                    (Redaction.url url)
                    "https://h/k?X-Amz-SignedHeaders=REDACTED&X-Amz-Expires=60"
                    list

                if not (list.Contains ' ') then
                    let message = unusable $"X-Amz-SignedHeaders={list}"
                    Expect.stringContains message "'REDACTED'" list

                    Expect.isFalse
                        (message.Contains(list.Substring 5, StringComparison.OrdinalIgnoreCase))
                        message

            let usual = "host;x-amz-server-side-encryption-customer-key-md5;x-amz-meta-a_b.c"

            Expect.equal
                (Redaction.url $"https://h/k?X-Amz-SignedHeaders={usual}")
                $"https://h/k?X-Amz-SignedHeaders={usual}"
                "names of headers"

            Expect.stringContains
                (unusable "X-Amz-SignedHeaders=host;x-amz-meta-cell")
                "'x-amz-meta-cell'"
                "a name")

        testCase "an operation is quoted only if it is a word" (fun () ->
            let operation (id: string) =
                unusable $"X-Amz-SignedHeaders=host&x-id={id}"

            Expect.stringContains (operation "GetObject") "another operation (x-id='GetObject')" "a word"
            Expect.stringContains (operation hex) "another operation (in x-id)" "a token"
            Expect.stringContains (operation token) "another operation (in x-id)" "a token")

        table
            "a token in the place of a parameter's name or an algorithm is masked"
            [
                $"https://h/k?{hex}=X-Amz-Signature", "https://h/k?REDACTED=REDACTED"
                $"https://h/k?x-amz-{hex}=1&a=b", "https://h/k?REDACTED=REDACTED&a=REDACTED"
                $"https://h/k?X-Amz-Algorithm={hex.Substring(0, 24)}", "https://h/k?X-Amz-Algorithm=REDACTED"
                "https://h/k?X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256",
                "https://h/k?X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256"
                "https://h/k?x-amz-sdk-checksum-algorithm=CRC64NVME",
                "https://h/k?x-amz-sdk-checksum-algorithm=CRC64NVME"
            ]
            (fst >> Redaction.url)
            snd

        testCase "a token in the place of a parameter's name is masked where a server echoes it" (fun () ->
            Expect.equal
                (Redaction.text $"see https://h/k?{hex}=1 there")
                "see https://h/k?REDACTED there"
                "a URL"

            Expect.equal
                (Redaction.known (Redaction.secretsOf $"https://h/k?{hex}=1") $"no {hex} there")
                "no REDACTED there"
                "the name alone")

        testCase
            "the token of a pre-authenticated request is masked on its store's hosts, whatever follows"
            (fun () ->
                for host in
                    [
                        "objectstorage.us-ashburn-1.oraclecloud.com"
                        "ns.objectstorage.eu-frankfurt-1.oci.customer-oci.com:443"
                    ] do
                    for rest in [ ""; "/"; "/b/evidence/o/x"; "//n/ns/b/x"; "/n/ns/b/evidence/o/x" ] do
                        for token in [ "short"; hex.Substring(0, 30) ] do
                            let url = $"https://{host}/p/{token}{rest}"
                            let shown = $"https://{host}/p/REDACTED{rest}"
                            Expect.equal (Redaction.url url) shown url
                            Expect.equal (Redaction.text $"no {url} there") $"no {shown} there" url

                            let address = RequestUrl.withoutQuery (parsed url)
                            Expect.isFalse (address.Contains $"/p/{token}") address

                Expect.equal (Redaction.url "https://h/p/short/b/x") "https://h/p/short/b/x" "another host")

        testCase "a signature is masked where it is in the path as well" (fun () ->
            for query in [ $"X-Amz-Signature={hex}"; $"a=b&sig={hex}"; $"Signature={hex}&Expires=1" ] do
                let url = $"https://h/k/{hex}/x?{query}"
                showsNoPart signature url (Redaction.url url)
                showsNoPart signature url (RequestUrl.withoutQuery (parsed url))

            let other = $"https://h/k/{hex}?X-Amz-Signature=q1w2e3r4t5y6u7i8o9"
            Expect.equal (RequestUrl.withoutQuery (parsed other)) $"https://h/k/{hex}" "a digest")

        testCase "the MD5 of a customer's key is masked where a server echoes it" (fun () ->
            let digest = "Qk3JrTzX0WvLm9aBcD1fGg=="

            match RequestHeader.create "x-amz-server-side-encryption-customer-key-md5" digest with
            | Error refusal -> failtest refusal.Message
            | Ok header ->
                let body = $"<Error><Code>X</Code><Message>md5 {digest} differs</Message></Error>"

                for shown in shownOf [ header ] (Outcome.Replied(replyOf "application/xml" body)) do
                    showsNoPart "Qk3JrTzX0WvLm9aBcD1fGg" body shown)
    ]

[<Tests>]
let prose =
    testList "Words of people" [
        testCase "sentences about credentials stay readable" (fun () ->
            for text in
                [
                    "Authorization: header or query parameter required"
                    "The token: host is required"
                    "Missing header x-amz-security-token: please provide it"
                    "Access token: lifetime exceeded by 5 minutes"
                    "The secret: key not found in vault"
                    "token=expired"
                    "password=invalid."
                    "sv=2022-11-02 is not a supported version"
                    "Signature > expected"
                    "file a:b@c not found"
                ] do
                Expect.equal (Redaction.text text) text "nothing to mask")

        testCase "values that resemble a sentence are masked" (fun () ->
            for text in
                [
                    "Authorization: bearer abcdefgh ijkl"
                    "Authorization: digest username realm"
                    "token: abcdefghijklmnop is wrong"
                    "token: abcdefg1 is wrong"
                    "token:abcdefg is wrong"
                    "token: abcdefg"
                    "token: abcdefg 1234567"
                    "token=abcdefg is wrong"
                    "token=\"abcdefg is\" wrong"
                    "sv=abcdefg"
                    "<sig>abcdefg</sig>"
                    "<a:sig>abcdefg</a:sig>"
                    "https://h/p?code=abcdefghijklmnop"
                    "https://h/p?code=AbcdefGh"
                    "https://docs.example.com/errors?code=AccessDenied"
                    "https://h/p?code=abcdefg1"
                    "https://h/p?token=abcdefg"
                    "user:abcdefg@h"
                ] do
                Expect.stringContains (Redaction.text text) Redaction.Mask text)
    ]
