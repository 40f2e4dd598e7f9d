//! The client of `../test.sh`, for what curl cannot do:  `server-client LAW PORT [PID]`. Each law talks to a server on
//! 127.0.0.1 and says why it does not hold.

mod http;
mod load;
mod raw;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// For a law; what hangs is a failure.
const LIMIT: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let held = runtime.block_on(async {
        match tokio::time::timeout(LIMIT, law(&arguments)).await {
            Ok(held) => held,
            Err(_) => Err(format!("not done after {LIMIT:?}").into()),
        }
    });
    match held {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", arguments.join(" "));
            ExitCode::FAILURE
        }
    }
}

async fn law(arguments: &[String]) -> Result<()> {
    let port = arguments
        .get(1)
        .ok_or("usage: server-client LAW PORT [PID]")?;
    let port = port.parse()?;
    match arguments[0].as_str() {
        "requests_follow_one_another_on_a_connection" => http::keep_alive(port).await,
        "body_is_streamed_both_ways" => http::both_ways(port).await,
        "pipelined_requests_are_answered_in_order" => raw::pipelining(port).await,
        "client_that_goes_away_cancels_its_handler" => raw::go_away(port).await,
        "client_that_goes_away_in_its_upload_is_forgotten" => raw::go_away_in_an_upload(port).await,
        "client_that_goes_away_in_its_download_is_forgotten" => {
            raw::go_away_in_a_download(port).await
        }
        "slow_client_slows_down_nobody" => raw::slow(port).await,
        "slow_headers_are_given_up" => raw::slow_headers(port).await,
        "upload_is_echoed_in_constant_memory" => {
            let pid = arguments.get(2).ok_or("which process?")?;
            http::constant_memory(port, pid).await
        }
        "counts" => {
            print!("{}", http::counts_as_text(port).await?);
            Ok(())
        }
        "load" => load::until_told_to_close(port).await,
        unknown => Err(format!("no such law: {unknown}").into()),
    }
}
