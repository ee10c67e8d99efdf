/// What a host may lack: OpenSSL, a home directory, an entry in the list of users.
module Cli.Tests.SurroundingsTests

open System
open System.Net
open System.Security.Cryptography
open System.Security.Cryptography.X509Certificates
open Expecto
open Cli.Tests.Scene
open Cli.Tests.Support
open Tests.TlsServer

/// A certificate for 127.0.0.1 that is its own issuer.
let private selfSigned () =
    use key = RSA.Create 2048

    let request =
        CertificateRequest("CN=store", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)

    let names = SubjectAlternativeNameBuilder()
    names.AddIpAddress IPAddress.Loopback
    request.CertificateExtensions.Add(names.Build())
    request.CertificateExtensions.Add(X509BasicConstraintsExtension(true, false, 0, true))

    use certificate =
        request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays -1., DateTimeOffset.UtcNow.AddDays 1.)

    X509CertificateLoader.LoadPkcs12(certificate.Export X509ContentType.Pfx, null)

let private specIn (folder: Folder) = folder.Write("cell.yaml", seedSpec)

[<Tests>]
let tests =
    testList "a host without" [
        testCaseTask
            "OpenSSL: push is refused before anything is sent, and check where it reads a CA bundle"
            (fun () ->
                task {
                    use! scene = sceneBehind true
                    let file = scene.Folder.Write("out/a", "evidence")
                    let bundle = scene.Folder.Write("ca.pem", "not read")

                    // The loader finds these first, and ends there since they are no libraries.
                    for name in [ "libssl.so.3"; "libssl.so.1.1" ] do
                        scene.Folder.Write($"lib/{name}", "no library") |> ignore

                    let variables = ("LD_LIBRARY_PATH", scene.Folder.At "lib") :: scene.SeedVariables

                    let! struct (code, output, error) =
                        runToolIn variables [ "push"; "--spec"; scene.Spec; "--cell-id"; "c"; file ]

                    Expect.equal (code, output) (2, "") error
                    Expect.stringContains error "OpenSSL (libssl.so.3) cannot be loaded" "the reason"
                    Expect.stringContains error "Install it" "and what to do"
                    Expect.isEmpty scene.Server.Requests "nothing was sent"

                    let! struct (code, _, error) = runToolIn variables [ "check"; "--spec"; scene.Spec ]
                    Expect.equal code 0 $"check needs no OpenSSL: {error}"

                    let! struct (code, output, error) =
                        runToolIn (("CELLOS_CA_BUNDLE", bundle) :: variables) [
                            "check"
                            "--spec"
                            scene.Spec
                        ]

                    Expect.equal (code, output) (2, "") error

                    Expect.stringContains
                        error
                        "OpenSSL (libssl.so.3) cannot be loaded"
                        "unless it reads certificates"
                })

        testCaseTask "a home directory: a push over https says so, and one with HOME set works" (fun () ->
            task {
                if Environment.UserName <> "root" || not (has "setpriv") then
                    skiptest "another user can be played by root with setpriv only"

                use folder = new Folder()
                use certificate = selfSigned ()
                use store = new TlsServer(certificate, [ "x-amz-request-id: 1" ])
                let file = folder.Write("a", "evidence")

                let variables = [
                    "CELLOS_EXPORT_S3_PRESIGNED_URL" + suffix,
                    store.Origin "127.0.0.1" + "/{cell_id}/{artifact_name}"
                    "CELLOS_EXPORT_S3_MAX_ATTEMPTS" + suffix, "1"
                    "CELLOS_CA_BUNDLE", folder.Write("ca.pem", certificate.ExportCertificatePem())
                    // .NET's own host wants a place for its files.
                    "DOTNET_CLI_HOME", folder.Path
                ]

                // A user without an entry in /etc/passwd, who may read all the same.
                let push (environment: string list) =
                    childOf
                        ([ "setpriv"; "--reuid"; "54321"; "--regid"; "54321"; "--clear-groups" ]
                         @ [ "--inh-caps"; "+dac_override"; "--ambient-caps"; "+dac_override"; "env" ]
                         @ environment
                         @ tool)
                        variables
                        [ "push"; "--spec"; specIn folder; "--cell-id"; "c"; file ]

                use homeless = push [ "-u"; "HOME" ]
                let! struct (code, output, error) = homeless.End()
                Expect.equal code 1 error

                Expect.equal
                    (objects output |> List.exactlyOne |> _.GetProperty("error") |> text "kind")
                    "LocalFault"
                    output

                Expect.stringContains error "no home directory" "the reason"
                Expect.stringContains error "Set HOME" "and what to do"

                for other in [ "network"; "the disk"; "connection failed"; "Unreachable"; "Unexpected" ] do
                    Expect.isFalse (error.Contains other) $"{other} is not the cause"

                use housed = push [ "HOME=/" ]
                let! struct (code, output, error) = housed.End()
                Expect.equal code 0 (output + error)
            })
    ]
