//! unbolt-wascap sign FILE OUT NAME ACCOUNT-SEED COMPONENT-SEED [EXPIRES-IN-DAYS]
//! unbolt-wascap verify FILE
//! unbolt-wascap account TOKEN
//! unbolt-wascap keys
//!
//! `verify` and `account` print a fact a line, and fail where wascap does. A token that wascap calls invalid fails too.

use std::{env, error::Error, fs};

use nkeys::KeyPair;
use wascap::jwt::{validate_token, Account, Claims, Component};

fn check(valid: &wascap::jwt::TokenValidation) -> Result<(), Box<dyn Error>> {
    if !valid.signature_valid {
        return Err("the signature is not valid".into());
    }
    if valid.expired || valid.cannot_use_yet {
        return Err("expired, or not valid yet".into());
    }
    Ok(())
}

fn sign(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let [file, out, name, account, component, rest @ ..] = arguments else {
        return Err("sign FILE OUT NAME ACCOUNT-SEED COMPONENT-SEED [DAYS]".into());
    };
    let expires = rest.first().map(|days| days.parse()).transpose()?;
    let signed = wascap::wasm::sign_buffer_with_claims(
        name.clone(),
        fs::read(file)?,
        &KeyPair::from_seed(component)?,
        &KeyPair::from_seed(account)?,
        expires,
        None,
        vec!["one".into(), "two".into()],
        false,
        Some(4),
        Some("0.4.0".into()),
        None,
    )?;
    Ok(fs::write(out, signed)?)
}

fn verify(file: &str) -> Result<(), Box<dyn Error>> {
    let token = wascap::wasm::extract_claims(fs::read(file)?)?.ok_or("no claims")?;
    check(&validate_token::<Component>(&token.jwt)?)?;
    let data = token.claims.metadata.ok_or("no metadata")?;
    println!("issuer {}", token.claims.issuer);
    println!("subject {}", token.claims.subject);
    println!("name {}", data.name.unwrap_or_default());
    println!("version {}", data.ver.unwrap_or_default());
    println!("revision {}", data.rev.unwrap_or_default());
    println!("tags {}", data.tags.unwrap_or_default().join(","));
    println!("expires {}", token.claims.expires.unwrap_or_default());
    Ok(())
}

fn account(token: &str) -> Result<(), Box<dyn Error>> {
    check(&validate_token::<Account>(token)?)?;
    let claims = Claims::<Account>::decode(token)?;
    println!("issuer {}", claims.issuer);
    println!("subject {}", claims.subject);
    println!("name {}", claims.name());
    Ok(())
}

fn keys() -> Result<(), Box<dyn Error>> {
    for pair in [KeyPair::new_account(), KeyPair::new_module(), KeyPair::new_server(), KeyPair::new_operator()] {
        println!("{} {}", pair.seed()?, pair.public_key());
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.split_first() {
        Some((command, rest)) if command == "sign" => sign(rest),
        Some((command, rest)) if command == "verify" && rest.len() == 1 => verify(&rest[0]),
        Some((command, rest)) if command == "account" && rest.len() == 1 => account(&rest[0]),
        Some((command, [])) if command == "keys" => keys(),
        _ => Err("one of sign, verify, account, keys".into()),
    }
}
