/// Seals against a program that knows nothing of this library: `openssl`.
module Facade.Tests.OpenSslSealTests

open System
open System.Diagnostics
open System.IO
open System.Security.Cryptography
open System.Text
open System.Text.Json
open CellOS.Export.S3
open CellOS.Export.S3.Core
open Expecto
open Facade.Tests.Support
open Facade.Tests.SealSupport

/// What a shell command in the folder writes to standard output.
let private shell (folder: Folder) (script: string) =
    let info =
        ProcessStartInfo(
            "sh",
            [ "-c"; script ],
            WorkingDirectory = folder.Path,
            RedirectStandardOutput = true,
            RedirectStandardError = true
        )

    use started = nonNull (Process.Start info)
    let error = started.StandardError.ReadToEndAsync()
    let output = started.StandardOutput.ReadToEnd()
    started.WaitForExit()

    if started.ExitCode <> 0 then
        failtest $"{script}: {error.Result}"

    output.Trim()

let private requireOpenSsl () =
    let folders =
        (Environment.GetEnvironmentVariable "PATH"
         |> Option.ofObj
         |> Option.defaultValue "")
            .Split
            Path.PathSeparator

    if
        not (
            folders
            |> Array.exists (fun folder -> File.Exists(Path.Join(folder, "openssl")))
        )
    then
        skiptest "openssl is not installed"

/// The bytes that DSSE v1.0.0 has signed, by the words of its document.
let private preAuthenticationEncoding (payloadType: string) (payload: byte[]) =
    Array.append
        (Encoding.UTF8.GetBytes $"DSSEv1 {payloadType.Length} {payloadType} {payload.Length} ")
        payload

[<Tests>]
let tests =
    testList "Seals and openssl" [
        testCase "openssl verifies each line with the public key, and no changed one" (fun () ->
            requireOpenSsl ()
            use folder = new Folder()

            shell
                folder
                "umask 077; echo secret > password
                 openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out plain.pem
                 openssl pkcs8 -topk8 -in plain.pem -out key.pem -passout file:password
                 openssl pkey -in plain.pem -pubout -out public.pem"
            |> ignore

            let seals = folder.At "seals.jsonl"

            use seal = ExportSeal.Open(folder.At "key.pem", seals, folder.At "password")

            for i in 0..20 do
                append seal (run [ for j in 1..i -> exported $"logs/{j}" ]) |> ignore

            Expect.equal
                (shell
                    folder
                    "openssl pkey -in plain.pem -pubout -outform der | openssl dgst -sha256 -r | cut -d' ' -f1")
                seal.KeyId
                "the key id"

            for line in File.ReadAllLines seals do
                let root = JsonDocument.Parse(line).RootElement
                let signature = root.GetProperty("signatures")[0]
                Expect.equal (signature.GetProperty("keyid").GetString()) seal.KeyId "the key id"
                folder.Write("sig", signature.GetProperty("sig").GetBytesFromBase64()) |> ignore
                let payload = root.GetProperty("payload").GetBytesFromBase64()
                let payloadType = nonNull (root.GetProperty("payloadType").GetString())
                folder.Write("signed", preAuthenticationEncoding payloadType payload) |> ignore

                Expect.equal
                    (shell folder "openssl dgst -sha256 -verify public.pem -signature sig signed")
                    "Verified OK"
                    "verified"

                folder.Write("signed", preAuthenticationEncoding payloadType (Array.append payload " "B))
                |> ignore

                Expect.equal
                    (shell
                        folder
                        "openssl dgst -sha256 -verify public.pem -signature sig signed 2>&1 || true")
                    "Verification failure"
                    "another payload")

        testCase "an envelope that openssl signed verifies here" (fun () ->
            requireOpenSsl ()
            use folder = new Folder()
            let key, _ = newKey folder "key.pem"

            let payload =
                Encoding.UTF8.GetBytes "{\"_type\":\"https://in-toto.io/Statement/v1\"}"

            folder.Write("signed", preAuthenticationEncoding Seal.PayloadType payload)
            |> ignore

            shell folder "openssl dgst -sha256 -sign key.pem -out sig signed" |> ignore

            let json =
                JsonSerializer.SerializeToUtf8Bytes {|
                    signatures = [|
                        {|
                            sig' = Convert.ToBase64String(File.ReadAllBytes(folder.At "sig"))
                        |}
                    |]
                    payloadType = Seal.PayloadType
                    payload = Convert.ToBase64String payload
                |}

            let json =
                Encoding.UTF8.GetString(json).Replace("sig'", "sig").Replace("sig\\u0027", "sig")

            let envelope =
                Expect.wantOk (Seal.parseForeign (ReadOnlyMemory(Encoding.UTF8.GetBytes json))) "an envelope"
                |> List.exactlyOne

            Expect.equal envelope.Payload payload "the payload"

            Expect.isTrue
                (key.VerifyData(
                    Seal.preAuthenticationEncoding Seal.PayloadType (ReadOnlyMemory envelope.Payload),
                    envelope.Signature,
                    HashAlgorithmName.SHA256,
                    DSASignatureFormat.Rfc3279DerSequence
                ))
                "verified")
    ]
