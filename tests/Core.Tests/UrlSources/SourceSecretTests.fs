/// What a source of URLs may repeat in its messages, and credentials in the place of other values.
module CellOS.Export.S3.Core.Tests.SourceSecretTests

open System
open Expecto
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.UrlGenerators

let private opaque = "Zk3vT9qLw2XbR7mY5nP8"

let private jwt =
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJzM2NyM3QifQ.Q7rXk9vZ2LmP4tYw8sB1nD6fH3jK5gA0cE"

let private pat = "ghp_R4nD0mT0k3nV4lu3Abc9Def8Ghi7Jkl6Mno5"

let private signature =
    "3f8a1c5e7b9d2f4a6c8e0b1d3f5a7c9e1b3d5f7a9c0e2b4d6f8a1c3e5b7d9f0a"

let private keyId = "AKIAZX7Q3RPLK2M4VB9T"

let private session =
    "IQoJb3JpZ2luX2VjEJr//////////wEaCXVzLXdlc3QtMiJHMEUCIQDk3vT9qLw2XbR7mY5nP8+aB/cD=="

let private key =
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----"

let private url =
    $"https://b.s3.us-west-2.amazonaws.com/cell-7/report.json?X-Amz-Credential={keyId}%%2F20261128%%2Fus-west-2%%2Fs3%%2Faws4_request&X-Amz-Security-Token={Uri.EscapeDataString session}&X-Amz-Signature={signature}"

let private ok result =
    match result with
    | Ok value -> value
    | Error refusal -> failtestf "%O" (box refusal)

let private command (line: string) = ok (UrlCommand.parse line)
let private nothing = SourceSecrets.ofCommand (command "/opt/presign")

let private granted = SourceSecrets.withGrant (UrlGrant.ofUrl (parsed url)) nothing

/// The parts of 12 characters of a secret that are in a text.
let private shownParts (secret: string) (text: string) =
    secret
    |> Seq.windowed 12
    |> Seq.map String
    |> Seq.filter (fun part -> text.Contains(part, StringComparison.OrdinalIgnoreCase))
    |> List.ofSeq

let private utf8 (text: string) = Text.Encoding.UTF8.GetBytes text

let private lines (secrets: SourceSecrets) (text: string) =
    String.Join('\n', SourceSecrets.maskLines secrets (text.Split '\n'))

[<Tests>]
let sources =
    testList "Secrets of sources of URLs" [
        table
            "the log of a command that has granted no URL shows no credential"
            [
                $"DEBUG:botocore.auth:Signature:\n{signature}", signature
                $"granted {signature}", signature
                $"using key id {keyId}", keyId
                $"session token {session}", session
                "secret access key wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
                $"token: {jwt}", jwt
                $"pat {pat}", pat
                $"X-Vault: {opaque}", opaque
                key, "MIIEvQIBADANBgkq"
                "GET https://h/k?X-Amz-Date=20261128T160000Z&X-Amz-Security-Token=IQoJb3\nwEaCXVzLXdlc3Qt&X-Amz-S\nignature=ab12cd34ef56",
                "wEaCXVzLXdlc3Qt"
            ]
            (fun (text, secret) -> shownParts secret (lines nothing text))
            (fun _ -> [])

        testCase "Base64 in lines shows nothing, whatever ends them" (fun () ->
            for octets in
                [
                    utf8 url
                    utf8 $"X-Amz-Signature={signature}"
                    Text.Encoding.Unicode.GetBytes signature
                ] do
                for width in [ 20; 40; 64; 76 ] do
                    for ending in [ "\n"; "\r\n"; " "; "<br>"; "<wbr/>"; "\\n" ] do
                        let pieces =
                            Convert.ToBase64String octets
                            |> Seq.chunkBySize width
                            |> Seq.map String
                            |> List.ofSeq

                        let shown =
                            SourceSecrets.mask granted ("msg " + String.Join(ending, pieces) + " denied")

                        for piece in pieces do
                            if piece.Length > 8 then
                                Expect.isFalse (shown.Contains piece) $"{width} %A{ending}: {shown}"

                        Expect.stringStarts shown "msg " "what stands before it"

            let plain = "https://gateway.example/v2/next denied"
            Expect.equal (SourceSecrets.mask granted plain) plain "nothing to mask")

        testCase "a host before Base64 is shown" (fun () ->
            let encoded = Convert.ToBase64String(utf8 $"/x?sig={signature}").Replace('/', '_')

            for before in [ "https://gateway/v2/"; "https://portal.example/b64/" ] do
                let shown = SourceSecrets.mask granted (before + encoded)
                Expect.stringStarts shown before "the host"
                Expect.isFalse (shown.Contains encoded) shown)

        testCase "a short password is found in Base64" (fun () ->
            let secrets = SourceSecrets.withToken "hT9wX2kQ" nothing

            for text in [ "hT9wX2kQ"; "user x hT9wX2kQ no" ] do
                let encoded = Convert.ToBase64String(utf8 text)
                Expect.isFalse ((SourceSecrets.mask secrets $"pw {encoded} denied").Contains encoded) text)

        table
            "the log of a command shows nothing of a URL that it granted"
            [
                url
                $"the URL is {Convert.ToBase64String(utf8 url)}"
                $"granted {signature.Substring(0, 30)} and more"
                $"middle {signature.Substring(9, 40)} of it"
                $"{url.Substring(0, 190)}\n{url.Substring 190}"
                Convert.ToBase64String(Convert.FromHexString signature)
                Convert.ToHexString(utf8 signature)
                String.Join(' ', utf8 signature)
                String.Join(',', utf8 signature |> Seq.map (fun octet -> $"0x%02x{octet}"))
                String.Join("", signature |> Seq.map (fun c -> $"&#{int c}"))
                String.Join(' ', signature |> Seq.map (fun c -> $"U+%04X{int c}"))
                signature
                |> String.collect (fun c ->
                    if Char.IsAsciiDigit c then
                        Char.ConvertFromUtf32(0x1D7CE + int c - int '0')
                    else
                        string (char (int c + 0xFEE0)))
            ]
            (fun text ->
                let shown = lines granted text
                shownParts signature shown @ shownParts session shown @ shownParts keyId shown, shown <> text)
            (fun _ -> [], true)

        propertyTimes
            300
            "no password that a program names in its own way is shown"
            (gen {
                let! letters = Texts.alphanumeric 6 14
                let! at = Gen.choose (1, letters.Length)
                let password = letters.Insert(at, "7q")
                let! quote = Gen.elements [ ""; "'"; "\"" ]
                let! before = Gen.elements [ ""; "curl: (22) "; "+ presign "; "Command '['curl', " ]
                let! after = Gen.elements [ ""; " failed"; ", again"; ")." ]

                let! form =
                    Gen.elements [
                        for name in [ "pass"; "PASS"; "pw"; "pin"; "pat"; "DB_PASS"; "PGPASS"; "db-pass" ] do
                            $"{name}="
                            $"{name}: "
                            $"\"{name}\": "
                        for name in [ "password"; "pwd"; "pass"; "password is"; "Passphrase" ] do
                            name + " "
                        for option in
                            [ "-p"; "--password"; "--pass"; "--token"; "--db-pwd"; "--api-key"; "--pat" ] do
                            option + " "
                            $"'{option}', "
                        "--password="
                        "-u joe:"
                        "--user joe:"
                        "--proxy-user joe:"
                    ]

                let isWhole = form.EndsWith "joe:"

                return
                    password, before + form + (if isWhole then password else quote + password + quote) + after
            })
            (fun (password, text) ->
                for shown in [ lines nothing text; SourceSecrets.mask nothing text ] do
                    Expect.isFalse (shown.Contains password) $"{text} → {shown}")

        table
            "words, numbers and paths behind options and names stay"
            [
                "the option --token is required"
                "usage: presign [-h] --token TOKEN --db-password PASSWORD"
                "argument --token: expected one argument"
                "usage: c [-p PORT] --token <path>"
                "mkdir -p /srv/out/logs; ssh -p 2222 host; docker run -p 8080:80 -u 1000:1000"
                "cp -p a b"
                "password for user joe was not given"
                "the password expired"
                "pass 3 of 5, fail 2"
                "pass=12 fail=3"
                "pass: the test"
                "pass=true"
                "curl -u https://h/a failed"
                "wrong password at /opt/a1/presign.py"
            ]
            (lines nothing)
            id

        table
            "the log of a command keeps its words, paths, times and identifiers"
            [
                "no key today"
                "File \"/usr/lib/python3.12/site-packages/botocore/auth.py\", line 420, in add_auth"
                "2026-11-28T16:00:00Z request id 6ba7b810-9dad-11d1-80b4-00c04fd430c8 in us-west-2"
                "Event request-created.s3.PutObject: calling handler S3RegionRedirectorv2.redirect_from_error"
                "/home/User1/projects/my-cellos-evidence/cell-7/report.json"
            ]
            (lines granted)
            id

        table
            "the arguments of a command are secrets of its messages, in parts as well"
            [
                $"c.py --pin {opaque}", $"unrecognized arguments: --pin {opaque}"
                $"c.py --port={opaque}", $"argument --port: invalid int value: '{opaque}'"
                "c.py --password hunter", "vault said no to hunter"
                "c.py -p hunter", "vault said no to hunter"
                "c.py -u joe:hunter", "vault said no to hunter"
                "c.py --user=joe:hunter", "vault said no to hunter"
                $"c.py user:{opaque}", $"vault said no to {opaque}"
                $"c.py https://h/v?code={opaque}", $"posting {opaque}"
                $"'c.py --pin {opaque}'", $"no {opaque}"
            ]
            (fun (line, text) ->
                let shown = SourceSecrets.mask (SourceSecrets.ofCommand (command line)) text
                shown.Contains opaque || shown.Contains "hunter")
            (fun _ -> false)

        testCase "the names and digests of a request stay in messages" (fun () ->
            let plan = CellOS.Export.S3.Core.Tests.PushGenerators.plan (Some url) id
            let request = UrlRequest.create plan 1 0L []

            let named = {
                request with
                    ArtifactName = signature + ".bin"
                    Key = "cell-7/" + opaque
            }

            let secrets =
                SourceSecrets.withRequest named (SourceSecrets.ofCommand (command $"c.py {opaque}"))

            let text = $"no object {signature}.bin or {opaque}"
            Expect.equal (SourceSecrets.mask secrets text) text "the names")

        testCase "the tokens and grants of earlier requests are secrets of a broker's messages" (fun () ->
            let broker =
                ok (BrokerEndpoint.parse $"https://broker.example/hook/{opaque}?code=s3cr3tc0de")

            let secrets =
                SourceSecrets.ofBroker broker
                |> SourceSecrets.withToken "0ld-token-value"
                |> SourceSecrets.withToken jwt
                |> SourceSecrets.withGrant (UrlGrant.ofUrl (parsed url))

            let text =
                $"broker.example: {opaque} s3cr3tc0de 0ld-token-value eyJzdWIiOiJzM2NyM3QifQ {keyId} {signature}"

            let masked = SourceSecrets.mask secrets text
            Expect.stringStarts masked "broker.example: REDACTED" "the host stays"

            for word in text.Split(' ')[1..] do
                Expect.isFalse (masked.Contains word) masked

            Expect.equal (BrokerEndpoint.show broker) "https://broker.example/hook/REDACTED" "the address")

        testCase "no text of a value shows a secret" (fun () ->
            Expect.equal (string granted) "REDACTED" "the text")
    ]

[<Tests>]
let places =
    testList "Credentials in other places" [
        table
            "the content of a file in the place of its path is masked, with a remedy"
            [
                jwt
                pat
                key
                "glpat-R4nD0mT0k3nV4lu3Abc"
                "hvs.CAESIJ0a1b2c3d4e5f6g7h8"
                opaque
                signature
                "qL3/8vXkTn+Zr0yWm2BfX7aHcUeJ5dGpS1oKxVtN4iQ="
                "/8Kp2vQzLmT4Wn9cR5xY7bD3f/G6hJ1kL0pQ2sT8u"
                "Bearer Wq8ZkT2vLx7m"
                "Basic am9lOmh1bnRlcjI="
            ]
            (fun value -> FilePath.show value, FilePath.problem value)
            (fun _ -> "REDACTED", "The value looks like the content of a file, not like its path")

        table
            "the path of a file stays"
            [
                "/run/secrets/" + signature
                "token"
                "/var/lib/kubelet/pods/3f8a1c5e7b9d2f4a6c8e0b1d/volumes/token"
                "D1/broker"
                "out/ab12cd34ef56gh78.json"
                "C:\\tokens\\broker"
            ]
            (fun path -> FilePath.show path, FilePath.problem path)
            (fun path -> path, null)

        table
            "an argument that has no meaning is shown without its value, and a credential is masked"
            [
                $"--pat={pat}", "--pat"
                "--auth:hunter2", "--auth"
                $"--{opaque}", "REDACTED"
                opaque, "REDACTED"
                jwt, "REDACTED"
                "out/report.json", "out/report.json"
                "--quit", "--quit"
            ]
            (fst >> Shown.argument)
            snd

        table
            "a variable or a whole command in the place of a program shows no value"
            [
                opaque, "REDACTED"
                jwt, "REDACTED"
                signature, "REDACTED"
                "MTk4NjIyNDgzNDcx.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs", "REDACTED"
                $"{opaque} --x", "REDACTED…"
                "presign-linux-x64", "presign-linux-x64"
                "presign.py", "presign.py"
                "/opt/3f8a1c5e7b9d2f4a6c8e/presign", "/opt/3f8a1c5e7b9d2f4a6c8e/presign"
                $"/opt/presign --pin {opaque}", "/opt/presign…"
                "./a=b", "./a…"
                "/opt/presign", "/opt/presign"
            ]
            (fun (program, _) -> string (ok (UrlCommand.create [ program ])))
            snd

        table
            "a value for a variable before the program is refused without the value"
            [
                $"GITHUB_PAT={pat} /opt/presign"
                "PGPASS=hunter2secret c"
                "X=hunter2secret"
            ]
            (fun line ->
                match UrlCommand.parse line with
                | Error refusal ->
                    refusal.Message.Contains "env NAME=",
                    refusal.Message.Contains "hunter2",
                    refusal.Message.Contains pat
                | Ok _ -> failtest "accepted")
            (fun _ -> true, false, false)

        table
            "an object URL shows no token of the path, and keeps the destination"
            [
                $"/u/{jwt}/b/cell-7/a.json", "/u/REDACTED/b/cell-7/a.json"
                "/v1.Zk3PqV9aT7mW2xR8bN5cL1dF6gH4jK0sZk3PqV9a.x9/a.json", "/REDACTED/a.json"
                "/bot123456:Zk3PqV9aT7mW2xR8bN5cL1dF6gH4jK0s/a.json", "/REDACTED/a.json"
                $"/b;token={opaque}/cell-7/a.json", "/b;token=REDACTED/cell-7/a.json"
                $"/up/u:{opaque}@h/cell-7/a.json", "/up/u:REDACTED@h/cell-7/a.json"
                $"//p//{opaque}//n/ns/b/ev/o/cell-7/a.json", "//p//REDACTED//n/ns/b/ev/o/cell-7/a.json"
                "/x%2FZk3PqV9aT7mW2xR8bN5cL1dF6gH4jK0s/a.json", "/REDACTED/a.json"
                "/b/Zk3PqV9aT7mW2xR8bN5cL1dF6gH4jK0s-key/a.json",
                "/b/Zk3PqV9aT7mW2xR8bN5cL1dF6gH4jK0s-key/a.json"
                $"/b/{signature}/a.json", $"/b/{signature}/a.json"
            ]
            (fun (path, _) ->
                RequestUrl.addressOf
                    "s3://b/Zk3PqV9aT7mW2xR8bN5cL1dF6gH4jK0s-key/cell-7/a.json"
                    (parsed $"https://gw.example{path}?x=1"))
            (fun (_, shown) -> $"https://gw.example{shown}")

        table
            "a token in the path is masked where a server repeats it"
            [
                "/u/" + jwt
                $"/b;token={opaque}/a"
                $"/up/u:{opaque}@h/a"
                $"//p//{opaque}//n/ns/b/ev/o/a"
            ]
            (fun path ->
                let shown =
                    Redaction.known
                        (Redaction.secretsOf $"https://gw.example{path}")
                        $"no {jwt} and no {opaque}"

                if path.Contains jwt then shownParts jwt shown else shownParts opaque shown)
            (fun _ -> [])

        table
            "a parameter is shown only if it has the form of its name"
            [
                "st=48151623420001234567", false
                "se=00112233445566778899Z", false
                "se=20112233445566778899Z", false
                "x-id=SecretTokenLettersOnly", false
                "temp_url_expires=982734987123", false
                "st=2026-11-28T00:00:00Z", true
                "se=2026-11-28", true
                "X-Amz-Date=20261128T160000Z", true
                "X-Amz-Expires=604800", true
                "x-id=PutObject", true
                "Expires=1767225600", true
                "q-sign-time=1767225600;1767229200", true
                "temp_url_expires=2026-11-28T16:00:00Z", true
            ]
            (fun (query, _) -> (Redaction.url $"https://h/p?{query}").EndsWith query)
            snd

        table
            "metadata that looks random or has the name of a credential is a secret"
            [
                "x-amz-meta-token", "hunter2", true
                "x-amz-mfa", "20899872 301749", true
                "x-amz-meta-run", opaque, true
                "user-agent", $"tool/{opaque}", true
                "x-amz-meta-run", "2026-11-28", false
                "x-amz-meta-sha256", signature, false
                "user-agent", "tool/1.2 (linux)", false
            ]
            (fun (name, value, _) ->
                let request = {
                    UrlRequest.create (CellOS.Export.S3.Core.Tests.PushGenerators.plan (Some url) id) 1 0L [] with
                        Headers = [ Collections.Generic.KeyValuePair(name, value) ]
                }

                UrlRequest.secrets request |> List.contains value)
            (fun (_, _, isSecret) -> isSecret)

        table
            "a token in the place of a proxy's host is refused"
            [ jwt; pat; opaque; $"http://{signature}" ]
            (fun text ->
                match Proxy.parse text with
                | Error refusal ->
                    refusal.Message.Contains "token" || refusal.Message.Contains "host",
                    shownParts opaque refusal.Message
                | Ok _ -> false, [])
            (fun _ -> true, [])

        testCase
            "what a request adds costs the same after thousands of them, and the latest are remembered"
            (fun () ->
                let grantOf (number: int) =
                    UrlGrant.ofUrl (parsed (url.Replace(signature, $"{number:D8}{signature.Substring 8}")))

                let mutable secrets = nothing

                let add (first: int) (count: int) =
                    let before = GC.GetAllocatedBytesForCurrentThread()

                    for number in first .. first + count - 1 do
                        secrets <-
                            secrets
                            |> SourceSecrets.withToken jwt
                            |> SourceSecrets.withGrant (grantOf number)

                    GC.GetAllocatedBytesForCurrentThread() - before

                add 0 100 |> ignore
                let early = add 100 100
                add 200 5000 |> ignore
                // 100 of them, each without a cut of the list.
                let late = Seq.init 5 (fun i -> add (5200 + 100 * i) 100) |> Seq.min
                Expect.isLessThan late (2L * early) "not more than at the beginning"
                let last = $"{5699:D8}{signature.Substring 8}"

                for secret in [ last; jwt ] do
                    Expect.contains secrets.Values secret "the latest"

                Expect.isLessThan secrets.Values.Length 5000 "not all")
    ]
