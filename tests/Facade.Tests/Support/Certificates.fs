/// Certificates that live as long as a test.
module Facade.Tests.Certificates

open System
open System.Net
open System.Security.Cryptography
open System.Security.Cryptography.X509Certificates

let authority name =
    let key = RSA.Create 2048

    let request =
        CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)

    request.CertificateExtensions.Add(X509BasicConstraintsExtension(true, false, 0, true))
    request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays -1., DateTimeOffset.UtcNow.AddDays 30.)

/// A certificate for a server whose subject has the name; its Subject Alternative Names are those that are added.
let issueWith
    (issuer: X509Certificate2)
    (name: string)
    (until: DateTimeOffset)
    (addNames: SubjectAlternativeNameBuilder option)
    =
    use key = RSA.Create 2048

    let request =
        CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)

    addNames
    |> Option.iter (fun names -> request.CertificateExtensions.Add(names.Build()))

    use issued =
        request.Create(issuer, DateTimeOffset.UtcNow.AddDays -0.9, until, [| 1uy; 2uy; 3uy |])

    use certificate = issued.CopyWithPrivateKey key
    X509CertificateLoader.LoadPkcs12(certificate.Export X509ContentType.Pfx, null)

let issue (issuer: X509Certificate2) (host: string) (until: DateTimeOffset) =
    let names = SubjectAlternativeNameBuilder()

    match IPAddress.TryParse host with
    | true, address -> names.AddIpAddress(nonNull address)
    | _ -> names.AddDnsName host

    issueWith issuer host until (Some names)

/// A certificate that signs itself, with or without a Subject Alternative Name.
let selfSigned (host: string) (isNamed: bool) =
    use key = RSA.Create 2048

    let request =
        CertificateRequest($"CN={host}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)

    if isNamed then
        let names = SubjectAlternativeNameBuilder()
        names.AddDnsName host
        request.CertificateExtensions.Add(names.Build())

    use own =
        request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays -1., DateTimeOffset.UtcNow.AddDays 30.)

    X509CertificateLoader.LoadPkcs12(own.Export X509ContentType.Pfx, null)
